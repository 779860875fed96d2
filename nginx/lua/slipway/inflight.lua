-- Requests and open connections under way, by target. Counted in shared memory under the worker's instance, so that a
-- killed worker's counts can be told and dropped, and an exiting worker's still count. Streams (WebSockets, server-sent
-- events) are counted as requests, and once more by themselves: they may last much longer.
local process = require("slipway.process")
local tally = require("slipway.tally")

local _M = {}

local counts = ngx.shared.slipway_inflight
local by_target = tally.new(counts)

local STREAMS = " streams"
local CLEAN_EVERY_S = 0.1

local used = {} -- this worker's counters since they were last cleaned

local function up(counter)
  local _, err, forced = counts:incr(counter, 1, 0)
  if err or forced then
    ngx.log(ngx.ERR, "ALARM: requests under way are counted wrongly (", err or "an older count was evicted",
      "): enlarge lua_shared_dict slipway_inflight")
  end
  used[counter] = true
end

local function down(counter)
  counts:incr(counter, -1)
end

-- Counters that stand at zero go, so that a scan costs what is under way, not what ever was. Not at once: most are
-- needed again soon.
local function clean()
  for counter in pairs(used) do
    if (counts:get(counter) or 0) <= 0 then
      counts:delete(counter)
      used[counter] = nil
    end
  end
end

function _M.start()
  assert(ngx.timer.every(CLEAN_EVERY_S, clean))
end

function _M.add(target, streams)
  up(target.counter)
  if streams then
    up(target.stream_counter)
  end
end

function _M.remove(target, streams)
  down(target.counter)
  if streams then
    down(target.stream_counter)
  end
end

-- Requests under way to one target in all living workers.
function _M.of(id)
  return by_target:total(id)
end

-- Name -> count in all living workers, the name being a target's id, or its id and " streams" for those of its requests
-- that are streams; a dead worker's counts are dropped.
function _M.totals()
  local totals, alive = {}, {}
  for _, key in ipairs(counts:get_keys(0)) do
    local colon = key:find(":", 1, true)
    local instance, name = key:sub(1, colon - 1), key:sub(colon + 1)
    if alive[instance] == nil then
      alive[instance] = process.is_alive(instance)
    end
    if alive[instance] then
      totals[name] = (totals[name] or 0) + (counts:get(key) or 0)
    else
      counts:delete(key)
    end
  end
  for name, count in pairs(totals) do
    if count <= 0 then
      totals[name] = nil
    end
  end
  return totals
end

-- The same without the streams' own counts.
function _M.requests()
  local requests = {}
  for name, count in pairs(_M.totals()) do
    if name:sub(-#STREAMS) ~= STREAMS then
      requests[name] = count
    end
  end
  return requests
end

return _M
