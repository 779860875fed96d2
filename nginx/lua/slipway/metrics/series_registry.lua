-- All units, as the leader knows them: learned one by one as they are registered, so that a look at all of them costs
-- what is new. Begun anew with each leadership.
local series = require("slipway.metrics.series")

local _M = {}

local LOOKS = 10 -- at a number without a unit: it is being registered now, or never will be

local known, by_unit, upto, holes

function _M.begin()
  known, by_unit, upto, holes = {}, {}, 0, {}
end

local function learn(number)
  local unit = series.unit(number)
  if not unit then
    return false
  end
  if not by_unit[unit.unit] then
    by_unit[unit.unit] = unit
    unit.used_at_s = ngx.now()
    known[#known + 1] = unit
  end
  return true
end

function _M.units()
  if not known then
    _M.begin()
  end
  for number, looks in pairs(holes) do
    holes[number] = not learn(number) and looks > 1 and looks - 1 or nil
  end
  local last = series.last_number()
  for number = upto + 1, last do
    if not learn(number) then
      holes[number] = LOOKS
    end
  end
  upto = last
  return known
end

-- Leaves those that `keep` is true for; returns the others.
function _M.sift(keep)
  local kept, gone = {}, {}
  for _, unit in ipairs(known) do
    if keep(unit) then
      kept[#kept + 1] = unit
    else
      gone[#gone + 1] = unit
      by_unit[unit.unit] = nil
    end
  end
  known = kept
  return gone
end

return _M
