-- After its pause a target that failed is tried by one request, over all workers. It is one that can go on elsewhere
-- when it fails there: what reads (so it may be repeated), has no body and is no stream. It goes through a location of
-- its own, where a 5xx too is tried elsewhere, and where the target has less time to answer.
local attempts = require("slipway.request.attempts")
local balancer = require("ngx.balancer")
local request_body = require("slipway.request.request_body")
local ejection = require("slipway.balancing.ejection")
local inflight = require("slipway.balancing.inflight")
local metrics = require("slipway.metrics.metrics")
local protocol = require("slipway.request.protocol")
local routes = require("slipway.routes.table")
local failure_state = require("slipway.balancing.failure_state")

local _M = {}

local CLIENT_WENT = 499
local LOCATION = "@trial"
local SAFE = { GET = true, HEAD = true, OPTIONS = true }
local ANSWER_S, ANSWER_MOST_S = 2, 10 -- twice as long after each pause: a slow target comes back, too
local SPARE_S = 1

local function answer_s(entry, target)
  local pauses = failure_state.pause_count(target.streak)
  return math.min(ANSWER_S * 2 ^ (pauses - 1), ANSWER_MOST_S, entry.read_s)
end

local function claim(entry)
  for _, target in ipairs(entry.targets) do
    if failure_state.over_for_s(target.streak)
      and failure_state.claim(target.streak, entry.connect_s + answer_s(entry, target) + SPARE_S) then
      return target
    end
  end
  return nil
end

-- Whether one of the entry's targets waits to be tried. The last one is never left out, so it need not be.
function _M.are_due(entry)
  if failure_state.are_none() or #entry.targets < 2 or entry.ejection.failures <= 0 then
    return false
  end
  for _, target in ipairs(entry.targets) do
    if failure_state.over_for_s(target.streak) then
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

-- Access phase, before anything is taken: leaves for the trial's location, and starts over there, when this request
-- is to try a target.
function _M.offer(entry)
  if not _M.are_due(entry) or not may_try() then
    return
  end
  local target = claim(entry)
  if target then
    ngx.var.slipway_trial = target.streak
    ngx.exec(LOCATION)
  end
end

-- Access phase, there. `ctx.claimed` is what the trial's end gives back.
function _M.begin()
  ngx.ctx.claimed = ngx.var.slipway_trial
end

local function claimed_target(entry, streak)
  for _, target in ipairs(entry.targets) do
    if target.streak == streak then
      return target
    end
  end
  return nil
end

-- As attempts.choose. A target that left the table meanwhile needs no trial.
function _M.choose(ctx, entry)
  local target = claimed_target(entry, ctx.claimed)
  if not target then
    return attempts.choose(ctx, entry)
  end
  inflight.add(entry, target)
  if not routes.is_current(entry) then
    inflight.remove(entry, target)
    return attempts.choose(ctx, entry)
  end
  ctx.target, ctx.entry = target, entry
  ctx.on_trial, ctx.sent_at_s = target, ngx.now()
  return nil
end

local function release(ctx)
  failure_state.release(ctx.claimed)
  ctx.claimed, ctx.on_trial = nil, nil
end

local function fail(ctx)
  ejection.failed(ctx.entry, ctx.on_trial, ctx.sent_at_s)
  ctx.judged = true
  release(ctx)
end

-- Balancer phase.
function _M.dial()
  local ctx = ngx.ctx
  if not ctx.on_trial then
    return attempts.dial()
  end
  if not balancer.get_last_failure() then
    return attempts.dial(answer_s(ctx.entry, ctx.on_trial))
  end
  fail(ctx)
  metrics.count("retries", ctx.entry.app)
  return attempts.dial_another(ctx)
end

local function has_answered()
  local status = ngx.status
  return status >= 200 and status < 500 and (ngx.var.upstream_header_time or ""):find("%d$") ~= nil
end

-- Header filter: the trial is over as soon as the target answers; the rest may take long.
function _M.note_answer()
  local ctx = ngx.ctx
  if ctx.on_trial and has_answered() then
    ejection.succeeded(ctx.on_trial)
    release(ctx)
  end
end

-- Log phase, before the outcome is judged. A client that did not wait for the answer saw none either: without that a
-- target that hangs would be tried by one impatient client after the other.
function _M.finish()
  local ctx = ngx.ctx
  if ctx.on_trial and (ngx.status == CLIENT_WENT or ngx.status >= 500) then
    fail(ctx)
  elseif ctx.claimed then
    release(ctx) -- it was refused before it was sent
  end
end

return _M
