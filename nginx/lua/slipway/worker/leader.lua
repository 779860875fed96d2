-- One worker follows the route table and reports; which one stands in shared memory.
local process = require("slipway.worker.process")

local _M = {}

local state = ngx.shared.slipway_state
local KEY = "leader"
local BURIAL_S = 10

-- True when this worker leads. A dead leader is buried once: whoever adds the burial takes over, so that two workers
-- that notice at the same moment don't both lead. The burial expires in case its digger died too.
function _M.claim()
  local me = process.instance()
  local holder = state:get(KEY)
  if holder == me then
    return true
  end
  if not holder then
    return (state:add(KEY, me))
  end
  if process.is_alive(holder) or not state:add("burial:" .. holder, true, BURIAL_S) then
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
-- `duty.ended(ok, err, broke_off)` hears how it went; an error that broke it off is logged with the duty's name.
-- `duty.rest()` is called where another worker leads.
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
