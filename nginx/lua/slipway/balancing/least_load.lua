-- Power of two choices: of two targets taken at random the one where a request should be done sooner. That is its
-- latency (EWMA) over the share of its CPU that is free, as waiting grows in a queue with one server: 1 / (1 - load).
-- Without a fresh CPU share of both, round robin.
local latencies = require("slipway.balancing.latencies")
local loads = require("slipway.balancing.loads")
local round_robin = require("slipway.balancing.round_robin")

local MOST_LOAD = 0.95
local LEAST_LATENCY_S = 0.001

local function allowed(targets, avoided)
  if not avoided then
    return targets
  end
  local found = {}
  for _, target in ipairs(targets) do
    if not avoided[target.id] then
      found[#found + 1] = target
    end
  end
  return found
end

local function cost(target, load)
  return math.max(latencies.of(target.id), LEAST_LATENCY_S) / (1 - math.min(load, MOST_LOAD))
end

return function(entry, avoided)
  local targets = allowed(entry.targets, avoided)
  local n = #targets
  if n < 2 then
    return targets[1]
  end
  local i = math.random(n)
  local first, second = targets[i], targets[(i - 1 + math.random(n - 1)) % n + 1]
  local first_load, second_load = loads.of(first.id), loads.of(second.id)
  if not first_load or not second_load then
    return round_robin(entry, avoided)
  end
  return cost(first, first_load) <= cost(second, second_load) and first or second
end
