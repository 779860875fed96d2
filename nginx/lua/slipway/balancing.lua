-- Which target a request goes to. A strategy takes an entry and the ids already tried, and returns a target or nil.
local _M = {}

local cursors = ngx.shared.slipway_cursors

-- Exact over all workers: one counter an app. Losing it (eviction) only starts the round again.
local function round_robin(entry, tried)
  local targets = entry.targets
  local n = #targets
  if n == 1 and not tried then
    return targets[1]
  end
  local start = (cursors:incr(entry.app, 1, -1) or 0) % n
  for i = 0, n - 1 do
    local target = targets[(start + i) % n + 1]
    if not (tried and tried[target.id]) then
      return target
    end
  end
  return nil
end

local STRATEGIES = { round_robin = round_robin }

function _M.pick(entry, tried)
  return (STRATEGIES[entry.balancing] or round_robin)(entry, tried)
end

return _M
