-- What each replica was asked for: requests since they are counted, and requests per second. It goes to Redis with what
-- apps were asked for. Only the leader keeps it; each leader begins anew.
local metrics = require("slipway.metrics.metrics")
local rates = require("slipway.metrics.rates")
local series_registry = require("slipway.metrics.series_registry")
local settings = require("slipway.worker.settings")

local _M = {}

local KEY = "slipway:edges:replicas:"
local AT_ONCE = 200 -- fields in one command

local rate = rates.new()
local changed, gone = {}, {} -- replica -> its series; replica -> true

local function requests(values)
  return values[1] + values[2] + values[3] + values[4] + values[5]
end

function _M.begin()
  rate, changed, gone = rates.new(), {}, {}
end

-- Something was counted for the series since the last look. What was counted before this leader is no rate of now.
function _M.note(series)
  if series.target == "" then
    return
  end
  local counted = requests(metrics.read(series))
  rate.note(series.target, counted - (series.counted or counted))
  series.counted = counted
  changed[series.target] = series
  gone[series.target] = nil
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
  return string.format('{"requests":[%d,%d,%d,%d,%d],"requests_per_s":%.3f}',
    values[1], values[2], values[3], values[4], values[5], rate.of(series.target))
end

local function in_parts(values, command)
  for first = 1, #values, AT_ONCE do
    command(unpack(values, first, math.min(first + AT_ONCE - 1, #values)))
  end
end

-- Into the transaction `queued`: what changed, or everything, where it is not known what Redis has.
function _M.queue(queued, at_s, everything)
  local key, fields, removed = KEY .. settings.edge_id, { "at", string.format("%.3f", at_s) }, {}
  if everything then
    queued:del(key)
    for _, series in ipairs(series_registry.all()) do
      if series.target ~= "" then
        changed[series.target] = series
      end
    end
  end
  for replica, series in pairs(changed) do
    fields[#fields + 1] = replica
    fields[#fields + 1] = json(series)
  end
  for replica in pairs(gone) do
    removed[#removed + 1] = replica
  end
  in_parts(fields, function(...)
    queued:hset(key, ...)
  end)
  in_parts(removed, function(...)
    queued:hdel(key, ...)
  end)
  changed, gone = {}, {}
end

return _M
