-- The target with the fewest requests and connections under way, over all workers; equal ones in turn. The cursor moves
-- past the one that is chosen: moved by one each time, it would give the one behind a busy target both their requests.
local inflight = require("slipway.balancing.inflight")

local cursors = ngx.shared.slipway_cursors

return function(entry, avoided)
  local targets = entry.targets
  local n = #targets
  local start = n > 0 and (cursors:incr(entry.app, 1, -1) or 0) % n or 0
  local best, fewest, passed_by
  for i = 0, n - 1 do
    local target = targets[(start + i) % n + 1]
    if not (avoided and avoided[target.id]) then
      local count = inflight.of(entry, target)
      if not best or count < fewest then
        best, fewest, passed_by = target, count, i
      end
    end
  end
  if best and passed_by > 0 then
    cursors:incr(entry.app, passed_by, -1)
  end
  return best
end
