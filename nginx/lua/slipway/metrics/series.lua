-- A series is what is counted apart: an app and a target (or none, where the edge itself responded). Its row of
-- counters.lua is made when it is first needed; then the series is registered for those who read.
local cjson = require("cjson.safe")
local counters = require("slipway.metrics.counters")

local _M = {}

local counts = ngx.shared.slipway_metrics

local function describe(entry, target)
  local app = entry and entry.app or ""
  return {
    name = app .. "|" .. (target and target.id or ""),
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

-- The names of rows: of a series; of an app's histogram.
local function row_of(name)
  return "u|" .. name
end

local function histogram_of(app)
  return "h|" .. app
end

-- The target of the series whose row is at this place; nil when there is no such series, or it has no target.
function _M.target_at(place)
  return (counters.name(place) or ""):match("^u|[^|]*|(.+)$")
end

-- Lists the series for readers, once. Two workers may both do it: readers take a series once.
local function list(series)
  if counts:get("k|" .. series.name) then
    return true
  end
  local number, err = counts:incr("series", 1, 0)
  local ok = number ~= nil
  local function keep(key, value)
    if ok then
      ok, err = counts:safe_set(key, value)
    end
  end
  keep("a|" .. series.app, cjson.encode(series.about))
  keep("u|" .. tostring(number), series.name)
  keep("k|" .. series.name, true)
  return ok, err
end

-- Lists the series first, then makes its counters: a worker that is killed between leaves a series that counts nothing.
local function register(series)
  series.row = nil
  local ok, err = list(series)
  if ok then
    series.histogram, err = counters.row(histogram_of(series.app))
  end
  if ok and series.histogram then
    series.row, series.place = counters.row(row_of(series.name))
    err = series.place
  end
  if not series.row then
    ngx.log(ngx.ERR, "ALARM: requests to app ", series.app, " are not counted (", err,
      "): enlarge lua_shared_dict slipway_metrics")
  end
  return series.row
end

-- This worker's row of the series, or nil when there is no room for it; and the series: `histogram` (the app's row),
-- `place`, `app`.
function _M.row(entry, target)
  local series = series_of(entry, target)
  local row = series.row
  if row and row[0] == series.place then
    return row, series
  end
  return register(series), series
end

-- How many series were ever registered: their numbers go from 1 to this.
function _M.last_number()
  return counts:get("series") or 0
end

-- The series of a number; nil when it was forgotten, or is being registered.
function _M.of_number(number)
  local name = counts:get("u|" .. number)
  if not name then
    return nil
  end
  local bar = name:find("|", 1, true)
  return { number = number, name = name, app = name:sub(1, bar - 1), target = name:sub(bar + 1) }
end

-- Every series once.
function _M.all()
  local found, seen = {}, {}
  for number = 1, _M.last_number() do
    local series = _M.of_number(number)
    if series and not seen[series.name] then
      seen[series.name] = true
      found[#found + 1] = series
    end
  end
  return found
end

-- Where the row of a series is; nil as long as it has none.
function _M.place(series)
  series.place = series.place or counters.place(row_of(series.name))
  return series.place
end

-- Where the row of its app's histogram is; nil as long as there is none.
function _M.histogram_place(series)
  series.histogram_place = series.histogram_place or counters.place(histogram_of(series.app))
  return series.histogram_place
end

-- Tenant and name of an app, and a host of it.
function _M.about(app)
  return cjson.decode(counts:get("a|" .. app) or "") or { tenant = "", name = "" }
end

-- Call it only when nothing can be counted for the series any more.
function _M.forget(series)
  counts:delete("k|" .. series.name)
  counts:delete("u|" .. series.number)
  counters.forget(row_of(series.name))
end

function _M.forget_app(app)
  counts:delete("a|" .. app)
  counters.forget(histogram_of(app))
end

return _M
