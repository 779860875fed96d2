-- What each app was asked for in all, as Redis has it for those who look. Only the leader keeps rates; each leader
-- begins anew.
local metrics = require("slipway.metrics.metrics")
local rates = require("slipway.metrics.rates")
local redis_fields = require("slipway.usage.redis_fields")
local series_registry = require("slipway.metrics.series_registry")
local settings = require("slipway.worker.settings")
local usage = require("slipway.usage.usage")

local _M = {}

local KEY = "slipway:edges:metrics:"
local FIELDS = #metrics.FIELDS

local rate = rates.new()

function _M.begin()
  rate = rates.new()
end

function _M.note(app, values)
  rate.note(app, metrics.requests(values))
end

-- Ends a look. Adds the apps to `changed` whose rate changed.
function _M.advance(changed)
  rate.advance(changed)
end

-- `more`: what was counted since the last look, where it is to be in it.
local function json(app, more)
  local values = usage.total(app)
  for i = 1, more and FIELDS or 0 do
    values[i] = values[i] + more[i]
  end
  local per_s = rate.of(app, more and metrics.requests(more))
  return string.format(
    '{"requests":[%d,%d,%d,%d,%d],"bytes_in":%d,"bytes_out":%d,"duration_ms":%d,"requests_per_s":%.3f,"latency":[%s]}',
    values[1], values[2], values[3], values[4], values[5], values[6], values[7], values[8], per_s,
    table.concat(values, ",", FIELDS + 1))
end

-- Into the transaction `queued`: these apps (app -> true, or what it used since the last look). `about`: fields that go
-- with them. `everything`: it is not known what Redis has.
function _M.queue(queued, apps, about, everything)
  local key, fields = KEY .. settings.edge_id, about
  if everything then
    queued:del(key)
    for _, series in ipairs(series_registry.all()) do
      apps[series.app] = apps[series.app] or true
    end
  end
  for app, more in pairs(apps) do
    if app ~= "" and (more ~= true or usage.knows(app)) then
      fields[#fields + 1] = app
      fields[#fields + 1] = json(app, more ~= true and more or nil)
    end
  end
  redis_fields.hset(queued, key, fields)
end

return _M
