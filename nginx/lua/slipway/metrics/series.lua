-- What is counted apart: an app and a target (or none, where the edge answered itself). A unit's row of counters.lua is
-- made when it is first needed: that is the moment to make the unit known to those who read (`register`).
local cjson = require("cjson.safe")
local counters = require("slipway.metrics.counters")

local _M = {}

local counts = ngx.shared.slipway_metrics

local function describe(entry, target)
  local app = entry and entry.app or ""
  return {
    unit = app .. "|" .. (target and target.id or ""),
    app = app,
    about = entry and { tenant = entry.tenant, name = entry.name, host = ngx.var.host } or { tenant = "", name = "" },
  }
end

local nobody -- requests for hosts that nobody has, and those that nginx refused

-- Kept with the decoded entry, or with its target.
local function series_of(entry, target)
  local owner = target or entry
  if not owner then
    nobody = nobody or describe()
    return nobody
  end
  local series = owner.series
  if not series then
    series = describe(entry, target)
    owner.series = series
  end
  return series
end

-- The names of rows: a unit's; an app's histogram.
local function row_of(unit)
  return "u|" .. unit
end

function _M.histogram_of(app)
  return "h|" .. app
end

-- The target of the unit whose row is at this place; nil when it is no unit's, or has none.
function _M.target_at(place)
  return (counters.name(place) or ""):match("^u|[^|]*|(.+)$")
end

-- Tells of the unit, once; two workers may both do it, and readers take a unit once.
local function list(series)
  if counts:get("k|" .. series.unit) then
    return true
  end
  local number, err = counts:incr("units", 1, 0)
  local ok = number ~= nil
  local function keep(key, value)
    if ok then
      ok, err = counts:safe_set(key, value)
    end
  end
  keep("a|" .. series.app, cjson.encode(series.about))
  keep("u|" .. tostring(number), series.unit)
  keep("k|" .. series.unit, true)
  return ok, err
end

-- Known first, then its counters: a worker that is killed between leaves one that counts nothing.
local function register(series)
  series.row = nil
  local ok, err = list(series)
  if ok then
    series.histogram, err = counters.row(_M.histogram_of(series.app))
  end
  if ok and series.histogram then
    series.row, series.place = counters.row(row_of(series.unit))
    err = series.place
  end
  if not series.row then
    ngx.log(ngx.ERR, "ALARM: requests to app ", series.app, " are not counted (", err,
      "): enlarge lua_shared_dict slipway_metrics")
  end
  return series.row
end

-- This worker's row of the unit, or nil when there is no room for it; and what is kept of the unit: `histogram`, the
-- app's row; `place`; `app`.
function _M.row(entry, target)
  local series = series_of(entry, target)
  local row = series.row
  if row and row[0] == series.place then
    return row, series
  end
  return register(series), series
end

-- How many units were ever registered: their numbers go from 1 to this.
function _M.last_number()
  return counts:get("units") or 0
end

-- The unit of a number; nil when it was forgotten, or is being registered.
function _M.unit(number)
  local unit = counts:get("u|" .. number)
  if not unit then
    return nil
  end
  local bar = unit:find("|", 1, true)
  return { number = number, unit = unit, app = unit:sub(1, bar - 1), target = unit:sub(bar + 1) }
end

-- Every unit once.
function _M.all()
  local units, seen = {}, {}
  for number = 1, _M.last_number() do
    local unit = _M.unit(number)
    if unit and not seen[unit.unit] then
      seen[unit.unit] = true
      units[#units + 1] = unit
    end
  end
  return units
end

-- Where its row is; nil as long as it has none.
function _M.place(unit)
  unit.place = unit.place or counters.place(row_of(unit.unit))
  return unit.place
end

-- Tenant and name of an app, and a host of it.
function _M.about(app)
  return cjson.decode(counts:get("a|" .. app) or "") or { tenant = "", name = "" }
end

-- Only when nothing can be counted for it any more.
function _M.forget(unit)
  counts:delete("k|" .. unit.unit)
  counts:delete("u|" .. unit.number)
  counters.forget(row_of(unit.unit))
end

function _M.forget_app(app)
  counts:delete("a|" .. app)
  counters.forget(_M.histogram_of(app))
end

return _M
