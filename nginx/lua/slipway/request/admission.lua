-- The way of an app's request from the host to a counted target: at once, where that is possible, or in the access
-- phase.
local responses = require("slipway.responses.responses")
local attempts = require("slipway.request.attempts")
local request_body = require("slipway.request.request_body")
local body_quota = require("slipway.request.body_quota")
local breaker = require("slipway.gates.breaker")
local client_headers = require("slipway.request.client_headers")
local concurrency = require("slipway.gates.concurrency")
local cookies = require("slipway.request.cookies")
local access = require("slipway.gates.access")
local protocols = require("slipway.request.protocol")
local request_context = require("slipway.request.request_context")
local requeue = require("slipway.request.requeue")
local routes = require("slipway.routes.table")
local settings = require("slipway.worker.settings")
local failure_state = require("slipway.balancing.failure_state")
local half_open = require("slipway.balancing.half_open")
local waiting = require("slipway.gates.waiting")
local activation_requests = require("slipway.gates.activation_requests")

local _M = {}

local FIRST_TABLE = {
  requests = 10000,
  bytes = 64 * 1024 * 1024,
  timeout_s = settings.first_table_s or 10, -- a busy host takes its time when nginx was killed
}

-- A new edge holds no table for a moment: a request waits for the first full read rather than being sent away.
local function after_first_table(host)
  local entry, failure
  waiting.wait(ngx.ctx, "", "", FIRST_TABLE, function()
    entry, failure = routes.entry(host)
    return failure ~= "edge-starting"
  end)
  return entry, failure or "edge-starting"
end

local function entry_of(host)
  local entry, failure = routes.entry(host)
  if failure == "edge-starting" then
    return after_first_table(host)
  end
  return entry, failure
end

-- Only WebSockets are upgraded, on HTTP/1.1 alone. nginx would follow an app into any protocol that the client asked
-- for. Returns whether it is one, or nil and a failure's code.
local function upgrades(protocol)
  if protocols.is_http2() then
    return nil, "bad-request"
  end
  if protocol:lower() == "websocket" then
    ngx.var.slipway_upgrade = "websocket"
    return true
  end
  ngx.req.clear_header("Upgrade")
  return false
end

local function wants_events()
  local accept = ngx.var.http_accept
  return accept ~= nil and accept:find("text/event-stream", 1, true) ~= nil
end

local function is_stream()
  local protocol = ngx.var.http_upgrade
  if protocol then
    local is_upgrade, failure = upgrades(protocol)
    if is_upgrade ~= false then
      return is_upgrade, failure
    end
  end
  return wants_events()
end

-- Takes a slot and a target. Returns nil, or a failure's code, and whether waiting may mend it.
local function proceed(ctx, entry)
  if entry.stopped then
    return entry.stopped, false
  end
  if ctx.requeued and not requeue.may_try(ctx, entry) then
    return "replica-failed", true
  end
  if not concurrency.enter(ctx, entry) then
    return "app-busy", true
  end
  local failure = (ctx.claimed and half_open or attempts).choose(ctx, entry)
  if failure and ctx.slot then
    concurrency.leave(ctx, entry.host)
  end
  return failure, failure == "no-ready-replica"
end

-- Waits for a slot or a target, with the entry as it is at each look. Returns nil, or a failure's code.
local function wait(ctx, host, entry, failure)
  local was_asked = false
  local function ask()
    if failure == "no-ready-replica" and not was_asked then
      was_asked = true
      activation_requests.ask(entry.app)
    end
  end
  local function look()
    local current, why = routes.entry(host)
    if not current then
      failure = why
      return true
    end
    if failure ~= "app-busy" and not waiting.may_release(host) then
      return false
    end
    local may_mend
    failure, may_mend = proceed(ctx, current)
    ask()
    return not may_mend
  end
  ask()
  if waiting.wait(ctx, host, entry.app, requeue.limits(ctx, entry.waiting), look) == "full" then
    return entry.waiting.requests > 0 and "waiting-room-full" or failure
  end
  if failure == "replica-failed" then
    requeue.note_in_vain(ctx, entry)
  end
  if not failure and was_asked then
    activation_requests.answered(entry.app)
  end
  return failure
end

-- Returns nil when a target is chosen, or a failure's code. Most requests need no more than `attempts.choose`.
local function send(ctx, host, entry)
  local failure = breaker.refuses(ctx, entry)
  if failure then
    return failure
  end
  local may_mend
  if entry.max_concurrency and waiting.has_queue(host) then
    failure, may_mend = "app-busy", true
  else
    failure, may_mend = proceed(ctx, entry)
  end
  if not failure or not may_mend then
    return failure
  end
  return wait(ctx, host, ctx.entry, failure)
end

-- As `send`, for a request that no target took a connection of.
local function send_again(ctx, host, entry)
  return wait(ctx, host, entry, "replica-failed")
end

local function may_go_at_once(entry)
  return ngx.var.slipway_bare == "1" and access.is_public(entry)
    and not (entry.stopped or entry.max_concurrency)
    and (failure_state.are_none() or not (failure_state.paused_until(entry.circuit) or half_open.are_due(entry)))
end

-- Rewrite phase, where nothing can wait: the app when the request is admitted, with a counted target. Else "", and
-- nothing was done for it. What is known of the entry holds if the entry still does when the target is counted.
function _M.admit_at_once()
  local entry = routes.last_read(ngx.var.host)
  if not entry or not may_go_at_once(entry) then
    return ""
  end
  local ctx = ngx.ctx
  ctx.is_http1 = true
  ctx.streams = wants_events() or nil -- no more than four fields: room for them is made at once
  if not attempts.choose_at_once(ctx, entry) then
    return ""
  end
  request_context.remember(ctx)
  client_headers.drop()
  cookies.withhold()
  return entry.app
end

local function admit(send_it)
  local host, ctx = ngx.var.host, ngx.ctx
  request_context.remember(ctx)
  local entry, failure = entry_of(host)
  if not entry then
    return responses.refuse(failure)
  end
  ngx.var.slipway_app = entry.app
  ctx.entry = entry
  half_open.offer(entry)
  local length, is_unsized = request_body.announced()
  if is_unsized then
    request_body.bound(entry)
  end
  failure = access.refuses(entry) or request_body.receive(ctx, entry, length, is_unsized)
  if failure then
    return responses.refuse(failure)
  end
  client_headers.drop()
  cookies.withhold()
  ctx.streams, failure = is_stream()
  failure = failure or send_it(ctx, host, entry)
  if failure then
    return responses.refuse(failure)
  end
end

-- Access phase.
function _M.admit()
  return admit(send)
end

-- Access phase of the location for trials.
function _M.admit_trial()
  half_open.begin()
  return _M.admit()
end

-- Access phase of the platform's own services: nothing but the body is looked at.
function _M.admit_own()
  client_headers.drop_for_console()
  local failure = request_body.receive_own(ngx.ctx)
  if failure then
    return responses.refuse(failure)
  end
end

-- Log phase of the platform's own services.
function _M.finish_own()
  body_quota.release(ngx.ctx)
  responses.settle()
end

-- Whatever this request still has counted, but for its target. Its client may have gone while it waited.
local function release(ctx)
  body_quota.release(ctx)
  if ctx.ticket then
    waiting.leave(ctx)
  end
  if ctx.slot then
    concurrency.leave(ctx, ctx.entry.host)
  end
  if ctx.trial and not ctx.target then
    breaker.note(ctx, ctx.entry, nil)
  end
end

-- Whatever an attempt had counted that nginx ended for an error page. Returns its context; nil without one.
local function give_back(current)
  local ctx = request_context.take()
  if not ctx or ctx == current then
    return nil
  end
  if ctx.target then
    attempts.finish(ctx)
    ctx.target = nil
  end
  release(ctx)
  ctx.is_over = true
  return ctx
end

-- Access phase of the location for what reached no target, and of what failed in the edge itself.
function _M.admit_again()
  local ctx = ngx.ctx
  if not requeue.resume(ctx, give_back(ctx)) then
    return responses.refuse_here("internal")
  end
  return admit(send_again)
end

-- Log phase.
function _M.release(ctx)
  give_back(ctx)
  release(ctx)
end

return _M
