-- Smooth weighted round robin. nginx's algorithm (each turn every target gains its weight, the highest is chosen and
-- pays the sum of all) repeats after as many turns as the weights' sum. So its turns are worked out once for an entry,
-- and a counter over all workers says which is next: exact, without a state that workers would have to share.
local cursors = ngx.shared.slipway_cursors

local function greatest_common_divisor(a, b)
  while b > 0 do
    a, b = b, a % b
  end
  return a
end

local function turns_of(targets)
  local total, divisor = 0, 0
  for _, target in ipairs(targets) do
    total = total + target.weight
    divisor = greatest_common_divisor(target.weight, divisor)
  end
  local credit, turns = {}, {}
  for turn = 1, divisor > 0 and total / divisor or 0 do
    local best
    for i, target in ipairs(targets) do
      credit[i] = (credit[i] or 0) + target.weight
      if not best or credit[i] > credit[best] then
        best = i
      end
    end
    credit[best] = credit[best] - total
    turns[turn] = targets[best]
  end
  return turns
end

return function(entry, avoided)
  local turns = entry.turns
  if not turns then
    turns = turns_of(entry.targets)
    entry.turns = turns
  end
  local n = #turns
  if n == 0 then
    return nil
  end
  local start = (cursors:incr(entry.app, 1, -1) or 0) % n
  for i = 0, n - 1 do
    local target = turns[(start + i) % n + 1]
    if not (avoided and avoided[target.id]) then
      return target
    end
  end
  return nil
end
