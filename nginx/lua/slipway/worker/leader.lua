-- One worker, the leader, follows the route table and reports. Shared memory has which worker it is.
local process = require("slipway.worker.process")

local _M = {}

local state = ngx.shared.slipway_state
local KEY = "leader"
local TAKEOVER_S = 10

-- True when this worker leads. A dead leader is replaced once: the worker that adds the takeover leads, so that two
-- that notice at the same moment don't both lead. The takeover expires, since the worker that added it may die too.
function _M.claim()
  local me = process.instance()
  local holder = state:get(KEY)
  if holder == me then
    return true
  end
  if not holder then
    return (state:add(KEY, me))
  end
  if process.is_alive(holder) or not state:add("takeover:" .. holder, true, TAKEOVER_S) then
    return false
  end
  state:set(KEY, me)
  return true
end

function _M.is_mine()
  return state:get(KEY) == process.instance()
end

function _M.holder()
  return state:get(KEY)
end

-- Does `duty.work` every so often in the worker that leads, one at a time. `work` returns true, or nil and why not.
-- `duty.ended(ok, err, is_error)` gets the result; a Lua error is logged with the duty's name. `duty.rest()` is called
-- in workers that do not lead.
function _M.every(every_s, duty)
  local is_busy = false
  local function tick(premature)
    if premature or is_busy then
      return
    end
    if not _M.is_mine() then
      return duty.rest and duty.rest()
    end
    is_busy = true
    local ran, ok, err = pcall(duty.work)
    is_busy = false
    if not ran then
      ngx.log(ngx.ERR, duty.name, " failed: ", ok)
      ok, err = nil, ok
    end
    if duty.ended then
      duty.ended(ok, err, not ran)
    end
  end
  assert(ngx.timer.every(every_s, tick))
end

function _M.resign()
  if _M.is_mine() then
    state:delete(KEY)
  end
end

return _M
