-- What is counted of requests. Counters stand in shared memory and are incremented in the log phase, so that a killed
-- worker loses none: five increments cost 0.6 µs (measured).
--
-- A unit is an app and a target (or none, where the edge answered itself). Its counters exist before they are
-- incremented: creating them is the moment to make the unit known to those who read (`register`).
local answers = require("slipway.answers")
local cjson = require("cjson.safe")
local failures = require("slipway.failures")

local _M = {}

local counts = ngx.shared.slipway_metrics

-- A unit's counters in the order in which they are read and written down.
_M.FIELDS = { "1", "2", "3", "4", "5", "in", "out", "ms" } -- five classes of status, bytes in and out, duration
_M.BOUNDS_MS = { 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000 }

-- What else is counted, by app: name of the counter -> what it says.
_M.COUNTERS = {
  circuit_openings = "Times that the circuit opened because too many requests in a row got no answer.",
  ejections = "Times that a target was left out for a while because it failed in a row.",
  retries = "Attempts on another target, or once more on the same, after one that failed.",
}

local REFUSED = "refused: "
local BEYOND = #_M.BOUNDS_MS + 1
local PROBABLY_STREAM_MS = 1000

local buckets = {} -- milliseconds -> bucket, for the most
for ms = 0, PROBABLY_STREAM_MS do
  for i, bound in ipairs(_M.BOUNDS_MS) do
    if ms <= bound then
      buckets[ms] = i
      break
    end
  end
end

local function bucket_of(ms)
  for i, bound in ipairs(_M.BOUNDS_MS) do
    if ms <= bound then
      return i
    end
  end
  return BEYOND
end

local function counter(unit, field)
  return unit .. "|" .. field
end

local function bucket_counter(app, bucket)
  return "h|" .. app .. "|" .. bucket
end

local function describe(entry, target)
  local app = entry and entry.app or ""
  local unit = app .. "|" .. (target and target.id or "")
  local series = {
    unit = unit,
    app = app,
    about = entry and { tenant = entry.tenant, name = entry.name, host = ngx.var.host } or { tenant = "", name = "" },
    classes = {},
    bytes_in = counter(unit, "in"),
    bytes_out = counter(unit, "out"),
    duration = counter(unit, "ms"),
    buckets = {},
  }
  for class = 1, 5 do
    series.classes[class] = counter(unit, class)
  end
  for bucket = 1, BEYOND do
    series.buckets[bucket] = bucket_counter(app, bucket)
  end
  return series
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

-- Known first, then its counters: a worker that is killed between leaves one that counts nothing. Two workers may both
-- do it; readers take a unit once.
local function register(series)
  local number, err = counts:incr("units", 1, 0)
  local ok = number ~= nil
  local function keep(key, value)
    if ok then
      ok, err = counts:safe_set(key, value)
    end
  end
  keep("a|" .. series.app, cjson.encode(series.about))
  keep("u|" .. tostring(number), series.unit)
  local function create(key)
    if ok then
      ok, err = counts:safe_add(key, 0)
      ok = ok or err == "exists"
    end
  end
  for bucket = 1, BEYOND do
    create(series.buckets[bucket])
  end
  for i = #_M.FIELDS, 1, -1 do -- the classes last: a request looks for its class first
    create(counter(series.unit, _M.FIELDS[i]))
  end
  if not ok then
    ngx.log(ngx.ERR, "ALARM: requests to app ", series.app, " are not counted (", err,
      "): enlarge lua_shared_dict slipway_metrics")
  end
end

local function is_event_stream()
  local content_type = ngx.var.sent_http_content_type
  return content_type ~= nil and content_type:find("text/event-stream", 1, true) == 1
end

local function bytes_received(status)
  local received = tonumber(ngx.var.request_length) or 0
  if status == 101 then -- request_length ends with the handshake
    return math.max(received, tonumber(ngx.var.upstream_bytes_sent) or 0)
  end
  return received
end

-- How long a stream lasts says nothing of how fast an app is.
local function observe(series, streams, status)
  local ms = math.floor((ngx.now() - ngx.req.start_time()) * 1000 + 0.5)
  if streams or status == 101 or ms > PROBABLY_STREAM_MS and is_event_stream() then
    return
  end
  counts:incr(series.duration, ms)
  counts:incr(series.buckets[buckets[ms] or bucket_of(ms)], 1)
end

-- Log phase. Bytes in come last: whoever reads looks at them to tell whether anything changed.
function _M.measure()
  local ctx = ngx.ctx
  local series = series_of(ctx.entry, ctx.target)
  local status = ngx.status
  if status == 0 then
    status = answers.settle()
  end
  local class = math.floor(status / 100)
  local class_counter = series.classes[class] or series.classes[4] -- nginx gave none: the client left, or was no HTTP
  if not counts:incr(class_counter, 1) then
    register(series)
    counts:incr(class_counter, 1)
  end
  counts:incr(series.bytes_out, tonumber(ngx.var.bytes_sent) or 0)
  observe(series, ctx.streams, status)
  if ctx.failure then
    _M.count(REFUSED .. ctx.failure, series.app)
  end
  counts:incr(series.bytes_in, bytes_received(status))
end

-- One more of `name`, one of COUNTERS, for the app's id. For what happens seldom.
function _M.count(name, app)
  local _, err, forced = counts:incr("c|" .. name .. "|" .. app, 1, 0)
  if err or forced then
    ngx.log(ngx.ERR, "ALARM: ", name, " are counted wrongly (", err or "an older counter was evicted",
      "): enlarge lua_shared_dict slipway_metrics")
  end
end

function _M.counted(name, app)
  return counts:get("c|" .. name .. "|" .. app) or 0
end

-- Requests of the app that the edge refused with this failure's code before it chose a target.
function _M.refused(code, app)
  return _M.counted(REFUSED .. code, app)
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
  return { number = number, unit = unit, app = unit:sub(1, bar - 1), target = unit:sub(bar + 1),
    changes = counter(unit, "in") }
end

-- Every unit once.
function _M.units()
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

-- A number that differs when anything was counted for the unit.
function _M.mark(unit)
  return counts:get(unit.changes) or 0
end

-- The unit's counters, in the order of FIELDS.
function _M.read(unit)
  local values = {}
  for i, field in ipairs(_M.FIELDS) do
    values[i] = counts:get(counter(unit.unit, field)) or 0
  end
  return values
end

-- Requests in each bucket, the last for what took longer than every bound.
function _M.histogram(app)
  local values = {}
  for bucket = 1, BEYOND do
    values[bucket] = counts:get(bucket_counter(app, bucket)) or 0
  end
  return values
end

-- Tenant and name of an app, and a host of it.
function _M.about(app)
  return cjson.decode(counts:get("a|" .. app) or "") or { tenant = "", name = "" }
end

-- Only when nothing can be counted for it any more.
function _M.forget_unit(unit)
  counts:delete("u|" .. unit.number)
  for _, field in ipairs(_M.FIELDS) do
    counts:delete(counter(unit.unit, field))
  end
end

function _M.forget_app(app)
  counts:delete("a|" .. app)
  for bucket = 1, BEYOND do
    counts:delete(bucket_counter(app, bucket))
  end
  for name in pairs(_M.COUNTERS) do
    counts:delete("c|" .. name .. "|" .. app)
  end
  for code in pairs(failures.BY_CODE) do
    counts:delete("c|" .. REFUSED .. code .. "|" .. app)
  end
end

return _M
