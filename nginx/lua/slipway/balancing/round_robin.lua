-- Exact over all workers: one counter an app. Losing it (eviction) only starts the round again.
local cursors = ngx.shared.slipway_cursors

return function(entry, avoided)
  local targets = entry.targets
  local n = #targets
  local start = (cursors:incr(entry.app, 1, -1) or 0) % n
  for i = 0, n - 1 do
    local target = targets[(start + i) % n + 1]
    if not (avoided and avoided[target.id]) then
      return target
    end
  end
  return nil
end
