-- Chooses the target of a request. A strategy takes an entry and the ids of targets that it must avoid (or nil), and
-- returns a target or nil.
local ejection = require("slipway.balancing.ejection")

local _M = {}

local STRATEGIES = {
  round_robin = require("slipway.balancing.round_robin"),
  weighted = require("slipway.balancing.weighted"),
  least_connections = require("slipway.balancing.least_connections"),
  least_load = require("slipway.balancing.least_load"),
}

-- A target on standby, or nil.
function _M.pick_standby(entry, tried)
  return STRATEGIES.round_robin({ app = entry.app, targets = entry.standby }, tried)
end

-- `tried`: ids of the targets that this request has tried. Ejected targets are chosen only when there are no others,
-- and targets on standby only when there are none at all.
function _M.pick(entry, tried)
  local targets = entry.targets
  if #targets == 1 and not tried then
    return targets[1]
  end
  if #targets == 0 then
    return _M.pick_standby(entry, tried)
  end
  local strategy = STRATEGIES[entry.balancing] or STRATEGIES.round_robin
  local avoided, to_try = ejection.avoided(entry, tried)
  if to_try then
    return to_try
  end
  return strategy(entry, avoided) or (avoided ~= tried and strategy(entry, tried)) or nil
end

return _M
