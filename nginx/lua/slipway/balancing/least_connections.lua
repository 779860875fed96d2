-- The target with the fewest requests and connections under way, over all workers; equal ones in turn.
local inflight = require("slipway.balancing.inflight")

local cursors = ngx.shared.slipway_cursors

return function(entry, avoided)
  local targets = entry.targets
  local n = #targets
  local start = n > 0 and (cursors:incr(entry.app, 1, -1) or 0) % n or 0
  local best, fewest
  for i = 0, n - 1 do
    local target = targets[(start + i) % n + 1]
    if not (avoided and avoided[target.id]) then
      local count = inflight.of(entry, target)
      if not best or count < fewest then
        best, fewest = target, count
      end
    end
  end
  return best
end
