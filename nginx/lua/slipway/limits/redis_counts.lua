-- Counts a request in Redis, by all limits of its caller at once (take.lua).
local callers = require("slipway.limits.callers")
local connection = require("slipway.worker.connection")
local leases = require("slipway.limits.leases")
local redis_health = require("slipway.limits.redis_health")
local scripts = require("slipway.limits.scripts")
local settings = require("slipway.worker.settings")

local _M = {}

local state = ngx.shared.slipway_state

local TOKENS, EDGES, HITS, STATE = "slipway:limits:tokens", "slipway:edges:confirmed", "slipway:limits:hits:",
  "slipway:limits:state:"
local CALLERS_APART = settings.limits_callers_apart or 20000 -- of one limit, in its period
local FIRST_STATE, FIELDS = 4, 3 -- in the script's reply
local STATES = { [0] = "passes", "refuses", "would refuse", "not concerned" }
local LEASE_US = string.format("%d", leases.LAST_S * 1000000)

local script

function _M.start()
  script = scripts.load("take")
end

local function arguments_of(entry, caller, request)
  local limits = entry.limits
  local arguments = { 3 + #limits, TOKENS, EDGES, HITS .. entry.app }
  for _, limit in ipairs(limits) do
    arguments[#arguments + 1] = STATE .. limit.id
  end
  arguments[#arguments + 1] = request
  arguments[#arguments + 1] = entry.tenant
  arguments[#arguments + 1] = caller.address
  arguments[#arguments + 1] = caller.token
  arguments[#arguments + 1] = CALLERS_APART
  for _, limit in ipairs(limits) do
    arguments[#arguments + 1] = limit.kind
    arguments[#arguments + 1] = limit.most
    arguments[#arguments + 1] = limit.kind == "rate" and limit.period_us or LEASE_US
    arguments[#arguments + 1] = limit.by
    arguments[#arguments + 1] = limit.only_reports and "1" or "0"
  end
  return arguments
end

local function lease_key(limit, caller, is_known)
  local partition = callers.partition(caller, limit.by, is_known)
  return partition and STATE .. limit.id .. ":at once " .. partition
end

-- Every key where the request may get a lease.
local function possible_leases(entry, caller)
  local keys = {}
  for _, limit in ipairs(entry.limits) do
    if limit.kind == "at_once" then
      keys[#keys + 1] = lease_key(limit, caller, false)
      keys[#keys + 1] = caller.token ~= "" and lease_key(limit, caller, true) or nil
    end
  end
  return keys
end

local function taken_leases(entry, caller, outcome)
  local keys = {}
  for i, limit in ipairs(entry.limits) do
    if limit.kind == "at_once" and outcome.passes and outcome.states[i] == "passes" then
      keys[#keys + 1] = lease_key(limit, caller, outcome.is_known)
    end
  end
  return keys
end

local function outcome_of(entry, reply)
  local outcome = { passes = reply[1] == 1, is_known = reply[3] == 1, states = {}, left = {}, reset_s = {} }
  for i = 1, #entry.limits do
    local at = FIRST_STATE + FIELDS * (i - 1)
    outcome.states[i], outcome.left[i] = STATES[reply[at]], reply[at + 1]
    outcome.reset_s[i] = math.ceil(reply[at + 2] / 1000000)
  end
  return outcome
end

local function ask(entry, caller, request)
  local client, err = connection.open(redis_health.TIMEOUT_S)
  if not client then
    return nil, err
  end
  local reply
  reply, err = scripts.run(client, script, unpack(arguments_of(entry, caller, request)))
  if not reply then
    client:close()
    return nil, err
  end
  connection.keep(client)
  return reply
end

-- Returns what every limit says: `passes`, `is_known` (the token), and by limit `states`, `left`, `reset_s`. Or nil and
-- the error, when Redis does not answer in time.
function _M.take(entry, caller, request)
  local keys = entry.counts_at_once and possible_leases(entry, caller)
  if keys then
    leases.ask(request, keys)
  end
  local reply, err = ask(entry, caller, request)
  if not reply then
    leases.release(request)
    return nil, err
  end
  if reply[2] ~= state:get("edges") then
    state:set("edges", reply[2])
  end
  local outcome = outcome_of(entry, reply)
  if keys then
    leases.hold(request, taken_leases(entry, caller, outcome))
  end
  return outcome
end

return _M
