-- One worker follows the route table and reports; which one stands in shared memory.
local process = require("slipway.process")

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

function _M.resign()
  if _M.is_mine() then
    state:delete(KEY)
  end
end

return _M
