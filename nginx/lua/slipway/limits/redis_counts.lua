-- Counts a request in Redis, by all limits of its caller at once (take.lua).
local callers = require("slipway.limits.callers")
local connection = require("slipway.worker.connection")
local leases = require("slipway.limits.leases")
local portions = require("slipway.limits.portions")
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
local NO_TOKEN, ANY_TOKEN = { callers.UNKNOWN }, { callers.UNKNOWN, callers.KNOWN, callers.UNCHECKED }
local LEASE_US = string.format("%d", leases.LAST_S * 1000000)
local PORTION_US = string.format("%d", portions.LAST_S * 1000000)
local IN_DOUBT = 2

local script

function _M.start()
  script = scripts.load("rate_debt", "take")
end

local function arguments_of(entry, caller, request, is_asked_again)
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
  arguments[#arguments + 1] = is_asked_again and "1" or "0"
  arguments[#arguments + 1] = caller.user
  arguments[#arguments + 1] = PORTION_US
  for _, limit in ipairs(limits) do
    arguments[#arguments + 1] = limit.kind
    arguments[#arguments + 1] = limit.most
    arguments[#arguments + 1] = limit.kind == "rate" and limit.period_us or LEASE_US
    arguments[#arguments + 1] = limit.by
    arguments[#arguments + 1] = limit.only_reports and "1" or "0"
  end
  return arguments
end

local function lease_key(limit, caller, token_is)
  local partition = callers.partition(caller, limit.by, token_is)
  return partition and STATE .. limit.id .. ":at once " .. partition
end

-- Every key where the request may get a lease.
local function possible_leases(entry, caller)
  local keys = {}
  for _, limit in ipairs(entry.limits) do
    if limit.kind == "at_once" then
      for _, token_is in ipairs(caller.token == "" and NO_TOKEN or ANY_TOKEN) do
        keys[#keys + 1] = lease_key(limit, caller, token_is)
      end
    end
  end
  return keys
end

local function would_be_refused(outcome)
  for _, each in ipairs(outcome.states) do
    if each == "would refuse" then
      return true
    end
  end
  return false
end

-- Where the script took a lease: nowhere when it refused, and of those that only report nowhere when one of them would
-- have refused.
local function taken_leases(entry, caller, outcome)
  local keys, is_reported = {}, would_be_refused(outcome)
  for i, limit in ipairs(outcome.passes and entry.limits or {}) do
    local is_taken = outcome.states[i] == "passes" and not (limit.only_reports and is_reported)
    if limit.kind == "at_once" and is_taken then
      keys[#keys + 1] = lease_key(limit, caller, outcome.token_is)
    end
  end
  return keys
end

local function outcome_of(entry, reply)
  local outcome = { passes = reply[1] == 1, is_in_doubt = reply[1] == IN_DOUBT, is_of_redis = true, token_is = reply[3],
    states = {}, left = {}, reset_s = {} }
  for i = 1, #entry.limits do
    local at = FIRST_STATE + FIELDS * (i - 1)
    outcome.states[i], outcome.left[i] = STATES[reply[at]], reply[at + 1]
    outcome.reset_s[i] = math.ceil(reply[at + 2] / 1000000)
  end
  return outcome
end

local function ask(arguments)
  local ends_s = ngx.now() + redis_health.TIMEOUT_S
  local client, err = connection.open(redis_health.TIMEOUT_S)
  if not client then
    return nil, err
  end
  local reply
  client:set_timeout(math.max(1, (ends_s - ngx.now()) * 1000)) -- connecting was a part of it
  reply, err = scripts.run(client, script, unpack(arguments))
  if not reply then
    client:close()
    return nil, err
  end
  connection.keep(client)
  return reply
end

-- Returns what every limit says: `passes`, `token_is` (callers.lua), and by limit `states`, `left`, `reset_s`. Or nil
-- and the error, when Redis does not answer in time. `is_asked_again`: a refusal by nothing but limits of requests at
-- one time, or by what others may not use of their portions (`is_in_doubt`), is not the last word.
function _M.take(entry, caller, request, is_asked_again)
  local keys = entry.counts_at_once and possible_leases(entry, caller)
  if keys then
    leases.ask(request, keys)
  end
  local reply, err = ask(arguments_of(entry, caller, request, is_asked_again))
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
