-- Counts a request in this edge alone, over all its workers, while Redis does not answer. The edge allows its part of
-- each limit: the limit divided by the edges that Redis last named, and one request at least. Periods follow each other
-- without overlap here, so that one counter for each is enough, which all workers add to exactly.
local callers = require("slipway.limits.callers")
local worker_counts = require("slipway.metrics.worker_counts")

local _M = {}

local periods = ngx.shared.slipway_limits
local leases = ngx.shared.slipway_leases -- nothing of it may be evicted
local state = ngx.shared.slipway_state
local under_way = worker_counts.new(leases)

local function part_of(limit)
  local edges = state:get("edges") or 1
  return math.max(1, math.floor(limit.most / math.max(1, edges)))
end

-- Takes from one limit. Returns whether it allows the request, what is left, in how many seconds there is more, and how
-- to give it back.
local function take_rate(limit, partition)
  local now_s, period_s = ngx.now(), limit.period_us / 1000000
  local period = math.floor(now_s / period_s)
  local key = limit.id .. "|" .. partition .. "|" .. period
  local count, err = periods:incr(key, 1, 0, period_s)
  if not count then
    ngx.log(ngx.ERR, "a limit can't be counted: ", err)
    return false, 0, math.ceil(period_s)
  end
  local function give_back()
    periods:incr(key, -1, 0, period_s)
  end
  local most = part_of(limit)
  if count > most then
    give_back()
  end
  return count <= most, math.max(0, most - count), math.ceil((period + 1) * period_s - now_s), give_back
end

local function take_at_once(limit, partition)
  local name, most = limit.id .. "|" .. partition, part_of(limit)
  local allows = under_way:add_within(name, 1, most)
  local function give_back()
    under_way:add(name, -1)
  end
  -- Others may have ended since it was refused: a refusal never says that there is one left.
  return allows, allows and math.max(0, most - under_way:total(name)) or 0, 0, give_back
end

local TAKE = { rate = take_rate, at_once = take_at_once }

local function call_all(functions)
  for _, each in ipairs(functions) do
    each()
  end
end

-- As redis_counts.take, and never fails. Nobody knows here which tokens are real. `returns` is called when the request
-- ends.
function _M.take(entry, caller)
  local outcome = { passes = true, token_is = callers.UNCHECKED, states = {}, left = {}, reset_s = {}, returns = {} }
  local taken = {}
  for i, limit in ipairs(entry.limits) do
    local partition = callers.partition(caller, limit.by, callers.UNCHECKED)
    local state_of_limit, left, reset_s = "not concerned", 0, 0
    if partition then
      local allows, give_back
      allows, left, reset_s, give_back = TAKE[limit.kind](limit, partition)
      state_of_limit = allows and "passes" or limit.only_reports and "would refuse" or "refuses"
      outcome.passes = outcome.passes and (allows or limit.only_reports)
      local list = limit.kind == "at_once" and outcome.returns or taken
      list[#list + 1] = allows and give_back or nil
    end
    outcome.states[i], outcome.left[i], outcome.reset_s[i] = state_of_limit, left, reset_s
  end
  if not outcome.passes then
    call_all(taken)
    call_all(outcome.returns)
    outcome.returns = {}
  end
  return outcome
end

function _M.release(outcome)
  if outcome and outcome.returns then
    call_all(outcome.returns)
    outcome.returns = nil
  end
end

return _M
