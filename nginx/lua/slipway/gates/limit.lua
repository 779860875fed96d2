-- How many requests a caller may send: in a time, and at one time. The entry has the limits of the app and of its
-- tenant; all of them are asked in one call, and the strictest decides (docs/decisions/0033). A request is counted
-- once, whatever happens to it afterwards; it counts as under way until its response has been sent. Requests of a
-- caller that sends often were counted ahead (limits/portions.lua).
local callers = require("slipway.limits.callers")
local leases = require("slipway.limits.leases")
local metrics = require("slipway.metrics.metrics")
local own_counts = require("slipway.limits.own_counts")
local portions = require("slipway.limits.portions")
local rate_limit_headers = require("slipway.limits.rate_limit_headers")
local redis_counts = require("slipway.limits.redis_counts")
local redis_health = require("slipway.limits.redis_health")
local request_context = require("slipway.request.request_context")
local settings = require("slipway.worker.settings")
local verdicts = require("slipway.gates.verdicts")

local _M = {}

local RELEASED_WITHIN_S = settings.limits_released_within_s or 0.02
local ASKED_AGAIN_S, IN_DOUBT_S = 0.005, 2 * portions.LAST_S
local LOGGED_EVERY_S = 10

local shared = ngx.shared.slipway_limits

local function take(entry, caller, request, is_asked_again)
  if redis_health.is_up() then
    local outcome, err = redis_counts.take(entry, caller, request, is_asked_again)
    if outcome then
      return outcome
    end
    redis_health.failed(err)
  end
  return own_counts.take(entry, caller)
end

local function only_at_once_refuses(entry, outcome)
  for i, limit in ipairs(entry.limits) do
    if outcome.states[i] == "refuses" and limit.kind == "rate" then
      return false
    end
  end
  return not outcome.passes
end

-- Where portions of others may turn out to be unused the request waits for that: it is not refused while one is left.
local function take_undoubted(entry, caller, request)
  local ends_s = ngx.now() + IN_DOUBT_S
  local outcome = take(entry, caller, request, true)
  while outcome.is_in_doubt do
    ngx.sleep(ASKED_AGAIN_S)
    outcome = take(entry, caller, request, ngx.now() < ends_s)
  end
  return outcome
end

-- A client may send its next request before Redis knows that the one before has ended.
local function take_patiently(entry, caller, request)
  local outcome = take_undoubted(entry, caller, request)
  if only_at_once_refuses(entry, outcome) then
    ngx.sleep(RELEASED_WITHIN_S)
    outcome = take(entry, caller, request, false)
  end
  return outcome
end

local function log_would_refuse(entry, limit, caller)
  if shared:add("logged|" .. limit.id, true, LOGGED_EVERY_S) then
    ngx.log(ngx.NOTICE, "limit ", limit.name, " of app ", entry.name, " would have refused a request of ",
      caller.address)
  end
end

local function count(entry, caller, outcome)
  for i, limit in ipairs(entry.limits) do
    if outcome.states[i] == "refuses" then
      metrics.count_limit("limit_refusals", entry.app, limit.name)
    elseif outcome.states[i] == "would refuse" then
      metrics.count_limit("limit_would_refuse", entry.app, limit.name)
      log_would_refuse(entry, limit, caller)
    end
  end
end

-- The request passes by its caller's portion, if there is one. Whether it does.
local function passes_by_portion(ctx, entry)
  local portion = portions.take(entry, ctx.identity)
  if not portion then
    return false
  end
  ctx.limited, ctx.limits_left = portion, portions.left(portion)
  return true
end

function _M.check(ctx, entry)
  if not entry.limits or ctx.limited or passes_by_portion(ctx, entry) then
    return nil -- or it was counted before it was requeued
  end
  local caller, request = callers.of_request(ctx.identity), ngx.var.slipway_request_id
  ctx.limited = { request = request } -- the client may leave meanwhile
  local outcome = take_patiently(entry, caller, request)
  local shown, violated, retry_after_s = rate_limit_headers.describe(entry, caller, outcome)
  ctx.limited.outcome, ctx.limited.shown = outcome, shown
  count(entry, caller, outcome)
  if not outcome.passes then
    local response = request_context.record(ctx, "response")
    response.violated, response.retry_after_s = violated, retry_after_s
    return verdicts.REFUSE, "limit-reached"
  end
  if outcome.is_of_redis then
    portions.note(entry, caller, caller.user ~= "" or not ctx.identity)
  end
end

function _M.passes_at_once(ctx, entry)
  return not entry.limits or passes_by_portion(ctx, entry)
end

-- A later gate did not pass the request at once: it is counted in the access phase.
function _M.undo(ctx)
  local portion = ctx.limited
  if portion then
    ctx.limited, ctx.limits_left = nil, nil
    portions.put_back(portion)
  end
end

function _M.release(ctx)
  local limited = ctx.limited
  if limited and limited.request then
    leases.release(limited.request)
    own_counts.release(limited.outcome)
    limited.request = nil
  end
end

return _M
