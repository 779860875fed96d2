-- Whether limits are counted in Redis now. A call that fails or is too slow ends that for all workers, so that requests
-- wait for Redis in vain once; then one worker tries in the background until Redis answers in time again.
local connection = require("slipway.worker.connection")
local settings = require("slipway.worker.settings")

local _M = {}

local state = ngx.shared.slipway_state

local DOWN, PROBED = "limits without redis", "limits probe redis"
local PROBE = "slipway:limits:probe"
local PROBER_DIED_S = 5
local EVERY_S = 0.25

_M.TIMEOUT_S = settings.limits_timeout_s or 0.05

local function answers()
  local client, err = connection.open(_M.TIMEOUT_S)
  if not client then
    return false, err
  end
  local ok
  ok, err = client:set(PROBE, settings.edge_id, "PX", 1000) -- a write: a Redis without memory still reads
  if ok ~= "OK" then
    client:close()
    return false, err
  end
  connection.keep(client)
  return true
end

local function probe(premature)
  if premature then
    return state:delete(PROBED)
  end
  state:set(PROBED, true, PROBER_DIED_S)
  if answers() then
    state:delete(DOWN)
    state:delete(PROBED)
    ngx.log(ngx.NOTICE, "limits are counted in Redis again")
  elseif not ngx.timer.at(EVERY_S, probe) then
    state:delete(PROBED) -- this worker ends: another one goes on
  end
end

-- Asked before each use. It also sees to it that somebody probes.
function _M.is_up()
  if not state:get(DOWN) then
    return true
  end
  if state:add(PROBED, true, PROBER_DIED_S) and not ngx.timer.at(0, probe) then
    state:delete(PROBED)
  end
  return false
end

function _M.failed(err)
  if state:add(DOWN, true) then
    ngx.log(ngx.ERR, "limits are counted by this edge alone, Redis fails: ", err)
  end
end

return _M
