-- Chooses the target of a request, by a strategy. Each has a row here:
--
-- choose(entry, avoided)  takes the ids of targets that it must avoid (or nil), and returns a target or nil
-- needs_latencies         it reads latencies.lua: then the log phase measures how long the app's targets take
--
-- The names are those of `Traffic.balancing` (slipway/core/app_settings/model.py). The agent measures replicas for the
-- strategies that read loads.lua: builder/agent/telemetry/loads.py has their names.
local ejection = require("slipway.balancing.ejection")

local _M = {}

local STRATEGIES = {
  round_robin = { choose = require("slipway.balancing.round_robin") },
  weighted = { choose = require("slipway.balancing.weighted") },
  least_connections = { choose = require("slipway.balancing.least_connections") },
  least_load = { choose = require("slipway.balancing.least_load"), needs_latencies = true },
}

-- An edge that is older than the agent may not know the entry's.
local function strategy_of(entry)
  return STRATEGIES[entry.balancing] or STRATEGIES.round_robin
end

function _M.needs_latencies(entry)
  return strategy_of(entry).needs_latencies
end

-- A target on standby, or nil.
function _M.pick_standby(entry, tried)
  return STRATEGIES.round_robin.choose({ app = entry.app, targets = entry.standby }, tried)
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
  local choose = strategy_of(entry).choose
  local avoided, to_try = ejection.avoided(entry, tried)
  if to_try then
    return to_try
  end
  return choose(entry, avoided) or (avoided ~= tried and choose(entry, tried)) or nil
end

return _M
