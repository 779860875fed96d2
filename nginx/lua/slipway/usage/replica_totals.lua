-- What each replica was asked for: requests since they are counted, and requests per second. It goes to Redis with what
-- apps were asked for. Only the leader keeps it; each leader begins anew.
local metrics = require("slipway.metrics.metrics")
local rates = require("slipway.metrics.rates")
local redis_fields = require("slipway.usage.redis_fields")
local series_registry = require("slipway.metrics.series_registry")
local settings = require("slipway.worker.settings")

local _M = {}

local KEY = "slipway:edges:replicas:"

local rate = rates.new()
local changed, gone = {}, {} -- replica -> its series; replica -> true

function _M.begin()
  rate, changed, gone = rates.new(), {}, {}
end

-- Something was counted for the series since the last look. What was counted before this leader is no rate of now.
function _M.note(series)
  if series.target == "" then
    return
  end
  local counted = metrics.requests(metrics.read(series))
  rate.note(series.target, counted - (series.counted or counted))
  series.counted = counted
  changed[series.target] = series
  gone[series.target] = nil
end

-- The same between two looks, which the next look notes once more.
function _M.note_change(series)
  if series.target ~= "" then
    changed[series.target] = series
  end
end

-- Ends a look.
function _M.advance()
  local slower = {}
  rate.advance(slower)
  for _, series in ipairs(next(slower) and series_registry.all() or {}) do
    if slower[series.target] then
      changed[series.target] = series
    end
  end
end

function _M.forget(series)
  if series.target ~= "" then
    changed[series.target], gone[series.target] = nil, true
  end
end

local function json(series)
  local values = metrics.read(series)
  local requests = metrics.requests(values)
  local per_s = rate.of(series.target, requests - (series.counted or requests))
  return string.format('{"requests":[%d,%d,%d,%d,%d],"requests_per_s":%.3f}',
    values[1], values[2], values[3], values[4], values[5], per_s)
end

local function queue_changed(queued, fields)
  for replica, series in pairs(changed) do
    fields[#fields + 1] = replica
    fields[#fields + 1] = json(series)
  end
  redis_fields.hset(queued, KEY .. settings.edge_id, fields)
  changed = {}
end

-- Into the transaction `queued`: what was noted between two looks.
function _M.queue_changes(queued)
  queue_changed(queued, {})
end

-- Into the transaction `queued`: what changed, or everything, where it is not known what Redis has.
function _M.queue(queued, at_s, everything)
  local key, removed = KEY .. settings.edge_id, {}
  if everything then
    queued:del(key)
    for _, series in ipairs(series_registry.all()) do
      if series.target ~= "" then
        changed[series.target] = series
      end
    end
  end
  for replica in pairs(gone) do
    removed[#removed + 1] = replica
  end
  queue_changed(queued, { "at", string.format("%.3f", at_s) })
  redis_fields.hdel(queued, key, removed)
  gone = {}
end

return _M
