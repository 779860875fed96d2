-- Counts handshakes by how their certificate was found. A worker adds what it counted to shared memory each second.
local metrics = require("slipway.metrics.metrics")

local _M = {}

local EVERY_S = 1

local pending = {}

function _M.add(how)
  pending[how] = (pending[how] or 0) + 1
end

local function report()
  for how, count in pairs(pending) do
    metrics.count_handshakes(how, count)
  end
  pending = {}
end

-- When a worker starts. At its end nginx runs all timers once more.
function _M.start()
  assert(ngx.timer.every(EVERY_S, report))
end

return _M
