-- What each app used since the last look, in records with a sequence number (docs/reference/usage-stream.md), and what
-- it used in all. The leader alone writes here.
--
-- A record and the totals that it leads to are one step: the step is written down whole (`journal`), then carried out.
-- A leader that was killed between left a journal; carrying it out again changes nothing that was done already.
local cjson = require("cjson.safe")
local metrics = require("slipway.metrics.metrics")

local _M = {}

local records = ngx.shared.slipway_usage   -- records that wait or were just sent, and the journal
local totals = ngx.shared.slipway_totals   -- series and app -> what the records so far account for

local FIELDS = #metrics.FIELDS
local BUCKETS = metrics.BUCKETS
local OF_APP = FIELDS + BUCKETS -- of an app its requests by duration are counted, too: they come last
local ROOM_BYTES = 2 * 1024 * 1024 -- kept free in either: a step must fit

-- All of them in one call: with many apps this is most of the work.
local PACKED, UNPACKED = {}, {}
for _, width in ipairs({ FIELDS, OF_APP }) do
  PACKED[width] = "%d" .. (",%d"):rep(width - 1)
  UNPACKED[width] = "^([^,]+)" .. (",([^,]+)"):rep(width - 1) .. "$"
end

local function unpacked(text, width)
  local values = { string.match(text or "", UNPACKED[width]) }
  for i = 1, width do
    values[i] = tonumber(values[i]) or 0
  end
  return values
end

-- As text: cjson would round what is larger than 10^14.
local function packed(values, width)
  return string.format(PACKED[width], unpack(values, 1, width))
end

local function add(to, values)
  for i = 1, #values do
    to[i] = to[i] + values[i]
  end
  return to
end

local function apps_json(apps)
  local texts = {}
  for app, values in pairs(apps) do
    texts[#texts + 1] = cjson.encode(app) .. ":[" .. packed(values, OF_APP) .. "]"
  end
  table.sort(texts)
  return "{" .. table.concat(texts, ",") .. "}"
end

local function key_of(sequence)
  return "r|" .. string.format("%d", sequence)
end

-- The newest record's sequence number; 0 before the first.
function _M.last()
  return records:get("last") or 0
end

-- The oldest record that is still here, sent or not.
function _M.first()
  return records:get("first") or 1
end

-- The record as it goes out; nil when it is not here any more.
function _M.record_text(sequence)
  return records:get(key_of(sequence))
end

-- From here on the record goes out as it is.
function _M.freeze(sequence)
  if sequence > (records:get("frozen") or 0) then
    records:set("frozen", sequence)
  end
end

function _M.drop_until(sequence)
  for number = _M.first(), sequence do
    records:delete(key_of(number))
    records:set("first", number + 1)
  end
end

-- What an app used in all, in the order of metrics.FIELDS; then its requests in each bucket of duration.
function _M.total(app)
  return unpacked(totals:get("a|" .. app), OF_APP)
end

function _M.knows(app)
  return totals:get("a|" .. app) ~= nil
end

function _M.forget(series)
  totals:delete("u|" .. series.name)
end

function _M.forget_app(app)
  totals:delete("a|" .. app)
end

local function carry_out(step)
  local function keep(dictionary, key, value)
    local ok, err, forced = dictionary:set(key, value)
    if not ok or forced then
      ngx.log(ngx.ERR, "ALARM: usage is counted wrongly (", err or "an older total was evicted",
        "): enlarge lua_shared_dict slipway_usage and slipway_totals")
    end
  end
  keep(records, key_of(step.sequence), step.record)
  for name, text in pairs(step.series) do
    keep(totals, "u|" .. name, text)
  end
  for app, text in pairs(step.apps) do
    keep(totals, "a|" .. app, text)
  end
  keep(records, "last", step.sequence)
  keep(records, "done", step.number)
end

-- What a killed leader began.
function _M.resume()
  local step = cjson.decode(records:get("journal") or "")
  if step and step.number > (records:get("done") or 0) then
    carry_out(step)
  end
end

-- What the series counted since the last record, and its counters now; nil when it counted nothing.
local function change_of(series)
  local now, before = metrics.read(series), unpacked(totals:get("u|" .. series.name), FIELDS)
  local changed = false
  for i = 1, FIELDS do
    before[i] = now[i] - before[i]
    changed = changed or before[i] ~= 0
  end
  return changed and before or nil, now
end

-- What the series counted that is in no record yet, in the order of metrics.FIELDS; nil when there is nothing.
function _M.uncounted(series)
  return (change_of(series))
end

-- Of two of them; the first may be nil.
function _M.sum(some, more)
  return some and add(some, more) or more
end

-- Changes since the last record: by app, what each used; by series and app, the totals then.
local function changes_of(changed_series)
  local used, series_totals, app_totals, one_of = {}, {}, {}, {}
  for _, series in ipairs(changed_series) do
    local change, now = change_of(series)
    if change then
      used[series.app] = used[series.app] or unpacked("", OF_APP)
      add(used[series.app], change)
      series_totals[series.name] = packed(now, FIELDS)
      one_of[series.app] = series
    end
  end
  for app, values in pairs(used) do
    local total, timed = _M.total(app), metrics.histogram(one_of[app])
    for i = 1, BUCKETS do
      values[FIELDS + i] = timed[i] - total[FIELDS + i]
    end
    add(total, values)
    app_totals[app] = packed(total, OF_APP)
  end
  return used, series_totals, app_totals
end

-- The record that takes in further usage when too many wait: usage is reported in larger steps then, but none is lost.
local function last_if_open()
  local last = _M.last()
  return last > (records:get("frozen") or 0) and cjson.decode(_M.record_text(last) or "") or nil
end

local function has_room()
  return totals:free_space() > ROOM_BYTES and records:free_space() > ROOM_BYTES
end

local function step_of(used, series_totals, app_totals, period, open)
  local in_record = {}
  for _, part in ipairs({ open and open.apps or {}, used }) do
    for app, values in pairs(part) do
      in_record[app] = in_record[app] or unpacked("", OF_APP)
      add(in_record[app], values)
    end
  end
  local sequence = open and open.sequence or _M.last() + 1
  return {
    number = (records:get("done") or 0) + 1,
    sequence = sequence,
    record = string.format('{"sequence":%d,"from":%.3f,"to":%.3f,"apps":%s}', sequence,
      open and open.from or period.from_s, period.to_s, apps_json(in_record)),
    series = series_totals,
    apps = app_totals,
  }
end

-- Takes what these series counted into a record: a new one; or, with `merge`, the last one while it has not gone out.
-- Returns app -> what it used; nil when there is no room: the counters keep it until there is.
function _M.take(changed_series, period, merge)
  local roomy = has_room()
  local open = (merge or not roomy) and last_if_open() or nil
  local used, series_totals, app_totals = changes_of(changed_series)
  if not next(used) then
    return used
  end
  local ok, err = roomy or open ~= nil, "no memory"
  if ok then
    local step = step_of(used, series_totals, app_totals, period, open)
    ok, err = records:safe_set("journal", cjson.encode(step))
    if ok then
      carry_out(step)
      return used
    end
  end
  ngx.log(ngx.ERR, "ALARM: usage waits in its counters (", err,
    "): enlarge lua_shared_dict slipway_usage and slipway_totals")
  return nil
end

return _M
