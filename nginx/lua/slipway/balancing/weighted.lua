-- Smooth weighted round robin. nginx's algorithm (at each step every target gains its weight, and the highest is chosen
-- and pays the sum of all) repeats after as many steps as the weights' sum. So the sequence is computed once for an
-- entry, and a counter over all workers is the position in it: exact, without a state that workers would have to share.
local round_robin = require("slipway.balancing.round_robin")

local cursors = ngx.shared.slipway_cursors

local function greatest_common_divisor(a, b)
  while b > 0 do
    a, b = b, a % b
  end
  return a
end

local function sequence_of(targets)
  local total, divisor = 0, 0
  for _, target in ipairs(targets) do
    total = total + target.weight
    divisor = greatest_common_divisor(target.weight, divisor)
  end
  local credit, sequence = {}, {}
  for step = 1, divisor > 0 and total / divisor or 0 do
    local best
    for i, target in ipairs(targets) do
      credit[i] = (credit[i] or 0) + target.weight
      if not best or credit[i] > credit[best] then
        best = i
      end
    end
    credit[best] = credit[best] - total
    sequence[step] = targets[best]
  end
  return sequence
end

return function(entry, avoided)
  local sequence = entry.sequence
  if not sequence then
    sequence = sequence_of(entry.targets)
    entry.sequence = sequence
  end
  local n = #sequence
  if n == 0 then -- those that have a weight are not there
    return round_robin(entry, avoided)
  end
  local start = (cursors:incr(entry.app, 1, -1) or 0) % n
  for i = 0, n - 1 do
    local target = sequence[(start + i) % n + 1]
    if not (avoided and avoided[target.id]) then
      if i > 0 then
        cursors:incr(entry.app, i, -1) -- else what follows an avoided target would get its requests too
      end
      return target
    end
  end
  return nil
end
