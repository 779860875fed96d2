-- Whether limits are counted in Redis now. A call that fails or is too slow ends that for all workers, so that requests
-- wait for Redis in vain once; then one worker tries in the background until Redis answers in time again. The more
-- often it failed lately the later that worker begins, so that few requests wait for a Redis that comes and goes.
local connection = require("slipway.worker.connection")
local settings = require("slipway.worker.settings")

local _M = {}

local state, logged = ngx.shared.slipway_state, ngx.shared.slipway_limits

local DOWN, PROBED = "limits without redis", "limits probe redis"
local PROBE = "slipway:limits:probe"
local PROBER_DIED_S = 10
local EVERY_S, MOST_S = 0.25, 4
local FAILURES, LATELY_S = "limits failures of redis", 60
local LOGGED_EVERY_S = 10
-- What Redis says when it serves nobody; any other error is one of the request that met it.
local OF_ALL = { "READONLY", "OOM", "LOADING", "MISCONF", "BUSY", "MASTERDOWN", "CLUSTERDOWN", "NOREPLICAS", "NOAUTH",
  "WRONGPASS", "NOPERM", "max number of clients" }

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

local function pause_s()
  local failures = state:get(FAILURES) or 1
  return failures <= 1 and 0 or math.min(MOST_S, EVERY_S * 2 ^ (failures - 2))
end

-- Asked before each use. It also sees to it that somebody probes.
function _M.is_up()
  if not state:get(DOWN) then
    return true
  end
  if state:add(PROBED, true, PROBER_DIED_S) and not ngx.timer.at(pause_s(), probe) then
    state:delete(PROBED)
  end
  return false
end

-- Whether Redis as a whole fails with this error: nobody answers in time, or it answers that it serves nobody.
function _M.concerns_all(err)
  err = tostring(err)
  if not err:find("^%u%u+ ") and not err:find("user_script", 1, true) then
    return true -- no reply of Redis: lower case, as "timeout"
  end
  for _, code in ipairs(OF_ALL) do
    if err:find(code, 1, true) then
      return true
    end
  end
  return false
end

-- A request that could not be counted in Redis is counted by this edge; so are all that follow when Redis fails for
-- all.
function _M.failed(err)
  if not _M.concerns_all(err) then
    if logged:add("logged|redis", true, LOGGED_EVERY_S) then
      ngx.log(ngx.ERR, "a request's limits are counted by this edge alone: ", err)
    end
  elseif state:add(DOWN, true) then
    state:incr(FAILURES, 1, 0, LATELY_S)
    ngx.log(ngx.ERR, "limits are counted by this edge alone, Redis fails: ", err)
  end
end

return _M
