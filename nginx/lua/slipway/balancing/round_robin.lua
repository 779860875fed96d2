-- Takes targets in turn, exact over all workers: one counter an app. When the counter is evicted the round begins
-- again. Avoided targets are no part of the round, so that the others share their requests evenly.
local cursors = ngx.shared.slipway_cursors

local function without(targets, avoided)
  local left = {}
  for _, target in ipairs(targets) do
    if not avoided[target.id] then
      left[#left + 1] = target
    end
  end
  return left
end

return function(entry, avoided)
  local targets = avoided and without(entry.targets, avoided) or entry.targets
  if #targets == 0 then
    return nil
  end
  return targets[(cursors:incr(entry.app, 1, -1) or 0) % #targets + 1]
end
