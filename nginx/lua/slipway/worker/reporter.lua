-- Reports to Redis what is under way, by target. The agent waits for that before it stops a replica.
local connection = require("slipway.worker.connection")
local inflight = require("slipway.balancing.inflight")
local leader = require("slipway.worker.leader")
local routes = require("slipway.routes.table")
local settings = require("slipway.worker.settings")

local _M = {}

local EVERY_S = 0.1
local AT_LEAST_EVERY_S = 1
local TIMEOUT_S = 2
local PART = 1000 -- values in one command; even
local SCAN_SHARE = 20 -- the scan may take a twentieth of the time, however much is under way

local reported -- what Redis holds of this edge; nil: unknown, so everything is written anew
local reported_at_s = 0
local next_scan_s = 0

-- As the agent reads it: a target's id, and its id and " streams" for those of its requests that are streams.
local function counts()
  local totals, streams = inflight.totals()
  for id, count in pairs(streams) do
    totals[id .. " streams"] = count
  end
  return totals
end

local function key()
  return "slipway:edges:inflight:" .. settings.edge_id
end

local function differences(totals)
  local changed, gone = {}, {}
  for id, count in pairs(totals) do
    if reported[id] ~= count then
      changed[#changed + 1] = id
      changed[#changed + 1] = count
    end
  end
  for id in pairs(reported) do
    if not totals[id] then
      gone[#gone + 1] = id
    end
  end
  return changed, gone
end

-- What is spread over arguments must fit on the stack.
local function in_parts(values, command)
  for first = 1, #values, PART do
    command(unpack(values, first, math.min(first + PART - 1, #values)))
  end
end

local function write(client, totals, at_s)
  local whole = reported == nil
  reported = reported or {}
  local changed, gone = differences(totals)
  local _, err = connection.transaction(client, function(queued)
    if whole then
      queued:del(key())
    end
    queued:hset(key(), "at", string.format("%.3f", at_s))
    in_parts(changed, function(...)
      queued:hset(key(), ...)
    end)
    in_parts(gone, function(...)
      queued:hdel(key(), ...)
    end)
  end)
  if err then
    return nil, err
  end
  reported = totals
  return true
end

-- After a change of the table the agent waits for a count that is younger: the time of the count moves on for a while.
local function is_due(totals, at_s)
  local _, _, held_since_s = routes.held()
  if not reported or at_s - reported_at_s >= AT_LEAST_EVERY_S or at_s - (held_since_s or 0) < AT_LEAST_EVERY_S then
    return true
  end
  local changed, gone = differences(totals)
  return #changed > 0 or #gone > 0
end

local function report()
  ngx.update_time()
  local at_s = ngx.now()
  if at_s < next_scan_s then
    return true
  end
  local totals = counts()
  ngx.update_time()
  next_scan_s = ngx.now() + SCAN_SHARE * (ngx.now() - at_s)
  if not is_due(totals, at_s) then
    return true
  end
  local client, err = connection.open(TIMEOUT_S)
  if not client then
    return nil, err
  end
  local ok
  ok, err = write(client, totals, at_s)
  if not ok then
    client:close()
    return nil, err
  end
  connection.keep(client)
  reported_at_s = at_s
  return true
end

local function forget()
  reported = nil
end

-- Errors are not logged here: route_sync.lua logs that Redis is gone.
local function ended(ok)
  if not ok then
    forget()
    next_scan_s = ngx.now() + AT_LEAST_EVERY_S
  end
end

function _M.start()
  leader.every(EVERY_S, { name = "reporting what is under way", work = report, ended = ended, rest = forget })
end

return _M
