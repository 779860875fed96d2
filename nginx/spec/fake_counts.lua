-- Counts of one worker: metrics/worker_counts.lua without shared memory.
local Counts = {}
Counts.__index = Counts

function Counts:add(name, amount)
  self[name] = (self[name] or 0) + amount
end

function Counts:total(name)
  return self[name] or 0
end

function Counts:add_within(name, amount, most)
  if self:total(name) + amount > most then
    return false
  end
  self:add(name, amount)
  return true
end

return {
  new = function()
    return setmetatable({}, Counts)
  end,
}
