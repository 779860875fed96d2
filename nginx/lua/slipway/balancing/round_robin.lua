-- Exact over all workers: one counter an app. Losing it (eviction) only starts the round again. Whoever is out of the
-- question is no part of the round, so that the others share what it would have got.
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
