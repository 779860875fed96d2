-- Counts requests. What every request counts is in the row of its series, what happens seldom in a dictionary; both are
-- in shared memory, so that a killed worker loses none.
local counters = require("slipway.metrics.counters")
local failures = require("slipway.responses.failures")
local all_series = require("slipway.metrics.series")

local _M = {}

local counts = ngx.shared.slipway_metrics

-- A series' counters in the order in which they are read and written down.
_M.FIELDS = { "1", "2", "3", "4", "5", "in", "out", "ms" } -- five classes of status, bytes in and out, duration
local IN, OUT, MS = 6, 7, 8
_M.BOUNDS_MS = { 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000 }

-- What else is counted, by app: name of the counter -> its description.
_M.COUNTERS = {
  circuit_openings = "Times that the circuit opened because too many requests in a row got no answer.",
  limits_ahead = "Requests that passed limits by a portion that their worker had got ahead.",
  ejections = "Times that a target was left out for a while because it failed in a row.",
  retries = "Attempts on another target, or once more on the same, after one that failed.",
}

-- What limits of an app did, by its id and the limit's name.
_M.OF_LIMITS = {
  limit_refusals = "Requests that a limit refused.",
  limit_would_refuse = "Requests that a limit would have refused, if it did not only report.",
}

local REFUSED = "refused: "
local BEYOND = #_M.BOUNDS_MS + 1
_M.BUCKETS = BEYOND
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

-- Streams are left out: how long one lasts does not depend on how fast the app is.
local function observe(row, histogram, streams, status)
  local ms = math.floor((ngx.now() - ngx.req.start_time()) * 1000 + 0.5)
  if streams or status == 101 or ms > PROBABLY_STREAM_MS and is_event_stream() then
    return
  end
  local bucket = buckets[ms] or bucket_of(ms)
  row[MS] = row[MS] + ms
  histogram[bucket] = histogram[bucket] + 1
end

-- Log phase. Bytes in are counted last: readers look at them to see whether anything changed (`mark`).
function _M.measure(ctx, status)
  local row, found = all_series.row(ctx.entry, ctx.target)
  local code = ctx.response and ctx.response.code
  if code then
    _M.count(REFUSED .. code, found.app)
  end
  if not row then
    return
  end
  local class = math.floor(status / 100)
  if class < 1 or class > 5 then
    class = 4 -- nginx gave none: the client left, or was no HTTP
  end
  row[class] = row[class] + 1
  row[OUT] = row[OUT] + (tonumber(ngx.var.bytes_sent) or 0)
  observe(row, found.histogram, ctx.streams, status)
  row[IN] = row[IN] + bytes_received(status)
end

-- One more of `name`, one of COUNTERS, for the app's id; or `amount` more. For what happens seldom.
function _M.count(name, app, amount)
  local count, err, forced = counts:incr("c|" .. name .. "|" .. app, amount or 1, 0)
  if err or forced then
    ngx.log(ngx.ERR, "ALARM: ", name, " are counted wrongly (", err or "an older counter was evicted",
      "): enlarge lua_shared_dict slipway_metrics")
  end
  return count
end

-- How the certificate of a TLS handshake was found.
_M.CERTIFICATES = { "exact", "wildcard", "address", "none", "broken" }

function _M.count_handshakes(how, count)
  counts:incr("c|tls_handshakes|" .. how, count, 0)
end

-- A limit is listed for readers when it is first counted.
function _M.count_limit(name, app, limit)
  if _M.count(name, app .. "|" .. limit) == 1 then
    local number = counts:incr("limits|" .. app, 1, 0)
    counts:set("limits|" .. app .. "|" .. (number or 0), limit)
  end
end

-- The app's limits that were ever counted, each once.
function _M.limits_of(app)
  local found, seen = {}, {}
  for number = 1, counts:get("limits|" .. app) or 0 do
    local limit = counts:get("limits|" .. app .. "|" .. number)
    if limit and not seen[limit] then
      seen[limit] = true
      found[#found + 1] = limit
    end
  end
  return found
end

local function forget_limits(app)
  for _, limit in ipairs(_M.limits_of(app)) do
    for name in pairs(_M.OF_LIMITS) do
      counts:delete("c|" .. name .. "|" .. app .. "|" .. limit)
    end
  end
  for number = 1, counts:get("limits|" .. app) or 0 do
    counts:delete("limits|" .. app .. "|" .. number)
  end
  counts:delete("limits|" .. app)
end

function _M.counted(name, app)
  return counts:get("c|" .. name .. "|" .. app) or 0
end

-- Requests of the app that the edge refused with this failure's code before it chose a target.
function _M.refused(code, app)
  return _M.counted(REFUSED .. code, app)
end

-- A number that differs when anything was counted for the series.
function _M.mark(series)
  local place = all_series.place(series)
  return place and counters.sum(place, IN) or 0
end

-- Requests of all classes, of values in the order of FIELDS.
function _M.requests(values)
  return values[1] + values[2] + values[3] + values[4] + values[5]
end

-- The series' counters, in the order of FIELDS.
function _M.read(series)
  return counters.sums(all_series.place(series), #_M.FIELDS)
end

-- Requests of the series' app in each bucket, the last for what took longer than every bound.
function _M.histogram(series)
  return counters.sums(all_series.histogram_place(series), BEYOND)
end

function _M.forget_app(app)
  all_series.forget_app(app)
  forget_limits(app)
  for name in pairs(_M.COUNTERS) do
    counts:delete("c|" .. name .. "|" .. app)
  end
  for code in pairs(failures.BY_CODE) do
    counts:delete("c|" .. REFUSED .. code .. "|" .. app)
  end
end

return _M
