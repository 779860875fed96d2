-- How long each target takes to respond: a moving average, of which each worker keeps its own from the requests that it
-- handles. It decays while a target gets no requests, so that one that was slow gets another chance.
local lrucache = require("resty.lrucache")

local _M = {}

local KEPT = 5000
local DECAY_S = 10

local known = assert(lrucache.new(KEPT)) -- target id -> { average, at }

-- Seconds; 0 when nothing is known.
function _M.of(id)
  local latency = known:get(id)
  return latency and latency.average * math.exp((latency.at - ngx.now()) / DECAY_S) or 0
end

function _M.note(id, seconds)
  local now = ngx.now()
  local latency = known:get(id)
  if not latency then
    known:set(id, { average = seconds, at = now })
    return
  end
  -- the more time has passed, the more the new one counts; at a high rate at least a tenth
  local weight = math.min(math.exp((latency.at - now) / DECAY_S), 0.9)
  latency.average = latency.average * weight + seconds * (1 - weight)
  latency.at = now
end

return _M
