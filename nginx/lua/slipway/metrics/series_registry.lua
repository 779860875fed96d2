-- All series, as the leader knows them. It learns them one by one as they are registered, so that a look at all of them
-- costs what is new. Each leader begins anew.
local all_series = require("slipway.metrics.series")

local _M = {}

local LOOKS = 10 -- at a number without a series: it is being registered now, or never will be

local known, by_name, upto, holes

function _M.begin()
  known, by_name, upto, holes = {}, {}, 0, {}
end

local function learn(number)
  local series = all_series.of_number(number)
  if not series then
    return false
  end
  if not by_name[series.name] then
    by_name[series.name] = series
    series.used_at_s = ngx.now()
    known[#known + 1] = series
  end
  return true
end

function _M.all()
  if not known then
    _M.begin()
  end
  for number, looks in pairs(holes) do
    holes[number] = not learn(number) and looks > 1 and looks - 1 or nil
  end
  local last = all_series.last_number()
  for number = upto + 1, last do
    if not learn(number) then
      holes[number] = LOOKS
    end
  end
  upto = last
  return known
end

-- Keeps the series that `keep` is true for; returns the others.
function _M.sift(keep)
  local kept, gone = {}, {}
  for _, series in ipairs(known) do
    if keep(series) then
      kept[#kept + 1] = series
    else
      gone[#gone + 1] = series
      by_name[series.name] = nil
    end
  end
  known = kept
  return gone
end

return _M
