-- After its pause a target that failed is tried by one request, over all workers. That request can go on to another
-- target when it fails there: it reads (so it may be repeated), has no body and is no stream. It goes through a
-- location of its own, where it also goes on after a 5xx, and where the target has less time to respond.
local attempts = require("slipway.request.attempts")
local balancer = require("ngx.balancer")
local ejection = require("slipway.balancing.ejection")
local failure_state = require("slipway.balancing.failure_state")
local inflight = require("slipway.balancing.inflight")
local metrics = require("slipway.metrics.metrics")
local protocol = require("slipway.request.protocol")
local request_body = require("slipway.request.request_body")
local request_context = require("slipway.request.request_context")
local routes = require("slipway.routes.table")
local verdicts = require("slipway.gates.verdicts")

local _M = {}

local CLIENT_LEFT = 499
local LOCATION = "@trial"
local SAFE = { GET = true, HEAD = true, OPTIONS = true }
local RESPONSE_S, RESPONSE_MOST_S = 2, 10 -- twice as long after each pause: a slow target comes back, too
local SPARE_S = 1

local function response_timeout_s(entry, target)
  local pauses = failure_state.pause_count(target.failure_key)
  return math.min(RESPONSE_S * 2 ^ (pauses - 1), RESPONSE_MOST_S, entry.read_s)
end

local function claim(entry)
  for _, target in ipairs(entry.targets) do
    if failure_state.over_for_s(target.failure_key)
      and failure_state.claim(target.failure_key, entry.connect_s + response_timeout_s(entry, target) + SPARE_S) then
      return target
    end
  end
  return nil
end

-- Whether one of the entry's targets has to be tried. A target without others is never left out.
local function are_due(entry)
  if failure_state.are_none() or #entry.targets < 2 or entry.ejection.failures <= 0 then
    return false
  end
  for _, target in ipairs(entry.targets) do
    if failure_state.over_for_s(target.failure_key) then
      return true
    end
  end
  return false
end

local function may_try()
  local length, is_unsized = request_body.announced()
  return SAFE[ngx.req.get_method()] and not length and (not is_unsized or protocol.is_http2())
    and not ngx.var.http_upgrade and not (ngx.var.http_accept or ""):find("text/event-stream", 1, true)
    and not ngx.req.is_internal()
end

-- A gate: redirects a request that claims a target to the location of trials.
function _M.check(_, entry)
  local target = are_due(entry) and may_try() and claim(entry)
  if target then
    ngx.var.slipway_trial = target.failure_key
    return verdicts.REDIRECT, LOCATION
  end
end

function _M.passes_at_once(_, entry)
  return not are_due(entry)
end

-- Access phase of that location. The claim of `key` ends with the trial.
function _M.begin()
  ngx.ctx.half_open = { key = ngx.var.slipway_trial }
end

local function claimed_target(entry, key)
  for _, target in ipairs(entry.targets) do
    if target.failure_key == key then
      return target
    end
  end
  return nil
end

-- As attempts.choose. A target that left the table meanwhile needs no trial.
function _M.choose(ctx, entry)
  local target = claimed_target(entry, ctx.half_open.key)
  if not target then
    return attempts.choose(ctx, entry)
  end
  inflight.add(entry, target)
  if not routes.is_current(entry) then
    inflight.remove(entry, target)
    return attempts.choose(ctx, entry)
  end
  ctx.target, ctx.entry = target, entry
  ctx.half_open.target, ctx.half_open.sent_at_s = target, ngx.now()
  return nil
end

local function release(ctx)
  failure_state.release(ctx.half_open.key)
  ctx.half_open = nil
end

local function fail(ctx)
  ejection.failed(ctx.entry, ctx.half_open.target, ctx.half_open.sent_at_s)
  request_context.record(ctx, "attempt").is_judged = true
  release(ctx)
end

-- Balancer phase.
function _M.dial()
  local ctx = ngx.ctx
  local target = ctx.half_open and ctx.half_open.target
  if not target then
    return attempts.dial()
  end
  if not balancer.get_last_failure() then
    return attempts.dial(response_timeout_s(ctx.entry, target))
  end
  fail(ctx)
  metrics.count("retries", ctx.entry.app)
  return attempts.dial_another(ctx)
end

local function has_responded()
  local status = ngx.status
  return status >= 200 and status < 500 and (ngx.var.upstream_header_time or ""):find("%d$") ~= nil
end

-- Header filter: the trial ends as soon as the target responds; the rest of the response may take long.
function _M.header()
  local ctx = ngx.ctx
  local target = ctx.half_open and ctx.half_open.target
  if target and has_responded() then
    ejection.succeeded(target)
    release(ctx)
  end
end

-- Log phase, before the target is judged. A client that left before the response fails the trial too: without that one
-- impatient client after the other would try a target that hangs.
function _M.log()
  local ctx = ngx.ctx
  local record = ctx.half_open
  if record and record.target and (ngx.status == CLIENT_LEFT or ngx.status >= 500) then
    fail(ctx)
  elseif record then
    release(ctx) -- the request was refused before it was sent
  end
end

return _M
