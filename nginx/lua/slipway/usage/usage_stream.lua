-- Puts usage into records each second, and sends the records to Redis, in order and once; and with them each app's
-- totals (docs/reference/usage-stream.md). While Redis is gone the records are kept.
local app_totals = require("slipway.usage.app_totals")
local connection = require("slipway.worker.connection")
local inflight = require("slipway.balancing.inflight")
local leader = require("slipway.worker.leader")
local metrics = require("slipway.metrics.metrics")
local quick_look = require("slipway.usage.quick_look")
local replica_totals = require("slipway.usage.replica_totals")
local series_registry = require("slipway.metrics.series_registry")
local routes = require("slipway.routes.table")
local settings = require("slipway.worker.settings")
local all_series = require("slipway.metrics.series")
local usage = require("slipway.usage.usage")
local usage_file = require("slipway.usage.usage_file")

local _M = {}

local state = ngx.shared.slipway_state

local STREAM, POSITIONS = "slipway:usage", "slipway:usage:positions"
local WATCHED = "slipway:edges:watched" -- exists while somebody follows figures
local STREAM_KEPT = 100000
local TIMEOUT_S = 2
local SERIES_AT_ONCE, RECORDS_AT_ONCE = 200, 100
local PAUSE_FACTOR = 10 -- with thousands of busy apps this worker pauses ten times as long as reporting took,
local PAUSE_MOST_S = 4 -- but no longer than this
local YIELD_S = 0.001 -- nginx warns at each sleep of 0
-- settings.json may say otherwise
local WAITING_MOST = settings.usage_waiting_most or 600 -- then the last record takes in what comes
local LOOK_FOR_IDLE_S = settings.metrics_look_s or 60
local IDLE_S = settings.metrics_idle_s or 600 -- after that the counters of what left the route table go
local EVERY_S = settings.usage_every_s or 1
local TICK_S = math.min(EVERY_S, 0.25) -- between two looks there are quick ones while somebody watches
local KEPT = 30             -- records sent that are kept, for a Redis that comes back without its last second

local taken_until_s         -- nil: this worker does not lead
local paused_until_s = 0
local next_take_s = 0
local next_look_s = 0
local is_watched = false
local was_ok, problem = true, nil -- how the last look ended
local written               -- app -> what Redis holds as its total; nil: unknown
local has_leftovers         -- of an nginx before this one, perhaps

local function now_s()
  ngx.update_time()
  return ngx.now()
end

-- A new life of the shared memory: sequence numbers begin again.
local function boot()
  local known = state:get("boot")
  if not known then
    state:add("boot", string.format("%x%06x", ngx.time(), math.random(0, 0xffffff)))
    state:add("since", ngx.now())
    known = state:get("boot")
  end
  return known
end

local function begin()
  series_registry.begin()
  replica_totals.begin()
  app_totals.begin()
  taken_until_s = state:get("usage_until") or state:get("since")
  written, has_leftovers, is_watched = nil, true, false
  next_take_s = now_s() + EVERY_S
  usage.resume()
end

local function changed_series()
  local changed, at_s = {}, ngx.now()
  for _, series in ipairs(series_registry.all()) do
    local mark = metrics.mark(series)
    if mark ~= series.mark then
      series.mark, series.used_at_s = mark, at_s
      changed[#changed + 1] = series
    end
  end
  return changed
end

-- Returns app -> requests and bytes of this look. Each part is a record of its own, so that no request waits long for
-- this worker; if another worker leads by then, it takes the rest.
local function take()
  local changed, period = changed_series(), { from_s = taken_until_s, to_s = ngx.now() }
  local apps = {}
  for first = 1, #changed, SERIES_AT_ONCE do
    local part = {}
    for i = first, math.min(first + SERIES_AT_ONCE - 1, #changed) do
      part[#part + 1] = changed[i]
    end
    local merge = usage.last() - (state:get("usage_sent") or 0) >= WAITING_MOST
    local used = usage.take(part, period, merge)
    for _, series in ipairs(used and {} or part) do
      series.mark = nil -- look again
    end
    for _, series in ipairs(used and part or {}) do
      replica_totals.note(series)
    end
    for app, values in pairs(used or {}) do
      apps[app] = true
      app_totals.note(app, values)
    end
    if first + SERIES_AT_ONCE <= #changed then
      ngx.sleep(YIELD_S)
      if not leader.is_mine() then
        return nil
      end
    end
  end
  taken_until_s = period.to_s
  state:set("usage_until", taken_until_s)
  return apps
end

-- The next record that Redis lacks. What it last got stands beside the stream, written in the same step: with nothing
-- there (Redis was emptied) everything that is still here goes out again, and readers know it by its number.
local function next_sequence(client)
  local position, err = client:hget(POSITIONS, settings.edge_id)
  if not position then
    return nil, err
  end
  local known_boot, sequence
  if position ~= ngx.null then
    known_boot, sequence = position:match("^(.+):(%d+)$")
  end
  if known_boot ~= boot() then
    return usage.first()
  end
  return math.max(usage.first(), tonumber(sequence) + 1)
end

local function queue_record(queued, life, sequence, record)
  queued:xadd(STREAM, "MAXLEN", "~", STREAM_KEPT, "*", "edge", settings.edge_id, "boot", life,
    "sequence", sequence, "record", record)
end

-- What an nginx before this one could not send. Sent twice when this worker is killed before the file is gone: readers
-- know the records by their numbers.
local function send_leftovers(client)
  local leftovers = usage_file.load()
  for first = 1, #leftovers, RECORDS_AT_ONCE do
    local replies, err = connection.transaction(client, function(queued)
      for i = first, math.min(first + RECORDS_AT_ONCE - 1, #leftovers) do
        queue_record(queued, unpack(leftovers[i]))
      end
    end)
    if not replies then
      return nil, err
    end
  end
  if #leftovers > 0 then
    usage_file.remove()
  end
  return true
end

-- The last of these commands says whether somebody watches.
local function queue_totals(queued, apps)
  local at_s = now_s()
  replica_totals.queue(queued, at_s, not written)
  local since_s = state:get("since")
  local about = { "at", string.format("%.3f", at_s), "since", string.format("%.3f", since_s), "boot", boot() }
  app_totals.queue(queued, apps, about, not written)
  queued:exists(WATCHED)
end

local function send_some(client, apps)
  local first, err = next_sequence(client)
  if not first then
    return nil, err
  end
  local last = math.min(usage.last(), first + RECORDS_AT_ONCE - 1)
  usage.freeze(last)
  local replies
  replies, err = connection.transaction(client, function(queued)
    for sequence = first, last do
      local record = usage.record_text(sequence)
      if record then
        queue_record(queued, boot(), string.format("%d", sequence), record)
      end
    end
    if last >= first then
      queued:hset(POSITIONS, settings.edge_id, boot() .. ":" .. string.format("%d", last))
    end
    if apps then
      queue_totals(queued, apps)
    end
  end)
  if not replies then
    return nil, err
  end
  if apps then
    is_watched = replies[#replies] == 1
  end
  state:set("usage_sent", last)
  usage.drop_until(last - KEPT)
  return last == usage.last()
end

local function send(apps)
  local client, err = connection.open(TIMEOUT_S)
  if not client then
    return nil, err
  end
  local done
  repeat
    if has_leftovers then
      done, err = send_leftovers(client)
      has_leftovers = not done
    end
    if not has_leftovers then
      done, err = send_some(client, apps)
    end
    if done == nil then
      client:close()
      return nil, err
    end
    apps, written = nil, true
  until done or not leader.is_mine()
  connection.keep(client)
  return true
end

-- Whether the table still has the series: then it may be counted for at any time.
local function is_current(series, host)
  local entry = host and routes.entry(host)
  if not entry or entry.app ~= series.app then
    return false
  end
  for _, target in ipairs(entry.targets) do
    if target.id == series.target then
      return true
    end
  end
  return series.target == ""
end

local function forget_idle()
  if ngx.now() < next_look_s or not routes.is_complete() then
    return
  end
  next_look_s = ngx.now() + LOOK_FOR_IDLE_S
  local under_way
  local apps_kept = {}
  local gone = series_registry.sift(function(series)
    local keep = series.app == "" or ngx.now() - series.used_at_s < IDLE_S
      or is_current(series, all_series.about(series.app).host)
    if not keep then
      under_way = under_way or inflight.totals()
      keep = under_way[series.target] ~= nil
    end
    apps_kept[series.app] = apps_kept[series.app] or keep
    return keep
  end)
  for _, series in ipairs(gone) do
    all_series.forget(series)
    usage.forget(series)
    replica_totals.forget(series)
    local host = not apps_kept[series.app] and all_series.about(series.app).host
    local entry = host and routes.entry(host)
    if not apps_kept[series.app] and not (entry and entry.app == series.app) then
      metrics.forget_app(series.app)
      usage.forget_app(series.app)
      written = nil
    end
  end
end

local function look()
  local began_s = now_s()
  local apps = take()
  if not apps then
    return true
  end
  app_totals.advance(apps)
  replica_totals.advance()
  local ok, err = send(apps)
  if not ok then
    written = nil
    return nil, err
  end
  forget_idle()
  local ended_s = now_s()
  paused_until_s = ended_s + math.min(PAUSE_FACTOR * (ended_s - began_s), PAUSE_MOST_S)
  return true
end

-- Timers are some milliseconds late, or early.
local function is_due()
  return now_s() >= math.max(next_take_s, paused_until_s) - TICK_S / 2
end

local function work()
  if not taken_until_s then
    begin()
  end
  if not is_due() then
    if is_watched and written then
      was_ok, problem = quick_look.work()
    end
    return was_ok, problem
  end
  next_take_s, is_watched = ngx.now() + EVERY_S, false
  was_ok, problem = look()
  return was_ok, problem
end

local function forget()
  taken_until_s = nil
end

local function ended(ok, err, broke_off)
  if broke_off then
    forget()
  end
  state:set("usage_problem", not ok and tostring(err) or nil)
end

-- The last worker ends, and shared memory with it: what Redis lacks is left to the next nginx.
function _M.close()
  usage.resume()
  usage.take(all_series.all(), { from_s = state:get("usage_until") or state:get("since"), to_s = now_s() }, false)
  local unsent = {}
  for sequence = (state:get("usage_sent") or 0) + 1, usage.last() do
    unsent[#unsent + 1] = { sequence, usage.record_text(sequence) }
  end
  if #unsent > 0 then
    local ok, err = usage_file.append(boot(), unsent)
    if not ok then
      ngx.log(ngx.ERR, "ALARM: ", #unsent, " records of usage are lost: ", err)
    end
  end
end

-- Records that Redis does not have yet.
function _M.waiting()
  return usage.last() - (state:get("usage_sent") or 0)
end

-- How long ago what was counted went into a record.
function _M.age_s()
  return math.max(0, ngx.now() - (state:get("usage_until") or ngx.now()))
end

function _M.start()
  boot()
  local duty = { name = "reporting usage", work = work, ended = ended, rest = forget }
  leader.every(TICK_S, duty)
end

return _M
