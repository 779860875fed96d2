-- Chooses the target of a request and counts the request for it, dials it, and tries another target where that is safe.
local access = require("slipway.gates.access")
local balancer = require("ngx.balancer")
local balancing = require("slipway.balancing")
local request_body = require("slipway.request.request_body")
local ejection = require("slipway.balancing.ejection")
local failures = require("slipway.responses.failures")
local inflight = require("slipway.balancing.inflight")
local metrics = require("slipway.metrics.metrics")
local request_context = require("slipway.request.request_context")
local requeue = require("slipway.request.requeue")
local routes = require("slipway.routes.table")

local _M = {}

local NGX_BUSY = -3 -- makes nginx give up with 502; any other code would become a 500
local MAX_MORE_TRIES = 2
local STREAM_READ_S = 86400 -- a WebSocket or an event stream may be silent for long; TCP keepalive finds dead peers
local CONF_CONNECT_S, CONF_READ_S = 2, 60 -- what apps.conf says; equal values need no override

-- nginx repeats none of these once they were sent, unless idempotent; it does not know other methods, and would.
local KNOWS_WHETHER_TO_REPEAT = {
  GET = true, HEAD = true, OPTIONS = true, PUT = true, DELETE = true, POST = true, PATCH = true,
}

-- Counts first, then looks whether the entry is current. So a count that is made after a generation was confirmed
-- misses no request that goes to a target which that generation removed.
local function take_at_once(entry, streams, tried, pick)
  local target = pick(entry, tried)
  if not target then
    return nil, "no-ready-replica"
  end
  inflight.add(entry, target, streams)
  if routes.is_current(entry) then
    return target
  end
  inflight.remove(entry, target, streams)
  return nil, nil
end

-- Returns target and entry; or nil and a failure's code.
local function take(ctx, entry, tried, pick)
  while true do
    local target, failure = take_at_once(entry, ctx.streams, tried, pick)
    if target then
      return target, entry
    end
    if failure then
      return nil, failure
    end
    entry, failure = access.current_entry(entry, ctx)
    if not entry then
      return nil, failure
    end
  end
end

local function take_anew(ctx, tried, pick)
  local entry, failure = access.current_entry(ctx.entry, ctx)
  if not entry then
    return nil, failure
  end
  return take(ctx, entry, tried, pick or balancing.pick)
end

-- Access phase, with the entry as it was looked up just now. Returns nil, or a failure's code.
function _M.choose(ctx, current)
  local target, entry = take(ctx, current, nil, balancing.pick)
  if not target then
    return entry
  end
  ctx.target, ctx.entry = target, entry
  return nil
end

-- Rewrite phase, with an entry that may be outdated. Returns whether a target is chosen; without one nothing was done.
function _M.choose_at_once(ctx, entry)
  local target = take_at_once(entry, ctx.streams, nil, balancing.pick)
  if not target then
    return false
  end
  ctx.target, ctx.entry = target, entry
  return true
end

-- Whether the attempt before this one came as far as this: `times` has one for each attempt, or "-".
local function has_come_to(times)
  local before, last
  for time in (times or ""):gmatch("[^,%s]+") do
    before, last = last, time
  end
  return last ~= nil and before ~= nil and before ~= "-"
end

-- Returns whether there is one that this request has not tried; if not, a failure's code too. `pick`: among which; the
-- targets unless given.
local function take_another(ctx, pick)
  local attempt = request_context.record(ctx, "attempt")
  attempt.tried = attempt.tried or {}
  attempt.tried[ctx.target.id] = true
  local target, entry = take_anew(ctx, attempt.tried, pick)
  if not target then
    return false, entry
  end
  inflight.remove(ctx.entry, ctx.target, ctx.streams)
  ctx.target, ctx.entry, attempt.is_judged = target, entry, nil
  return true
end

-- Chooses the target of the next attempt from the table as it is now: another target; without one the same again, once,
-- if it took the connection (it may only have closed a kept one; nginx comes here only where repeating is safe); then
-- one on standby. The last attempt is for a standby in any case. A target that took no connection costs no attempt
-- (`dial`), so then every target is tried before a standby. Returns whether there is one; if not, a failure's code if
-- the client has to come again: this worker is an orphan, or who may use the app has changed.
local function find_next(ctx, connected)
  local attempt = ctx.attempt
  if connected and attempt.tries_left then
    attempt.tries_left = attempt.tries_left - 1
    if attempt.tries_left == 0 and take_another(ctx, balancing.pick_standby) then
      return true
    end
  end
  local is_found, failure = take_another(ctx)
  if is_found then
    return true
  end
  if failure == "service-unavailable" then
    return false, failure
  end
  if connected and not attempt.is_repeated then
    attempt.is_repeated = true
    return true
  end
  return (take_another(ctx, balancing.pick_standby))
end

-- After a failed attempt. A slow target ends the request: the next may be as slow, and the client has waited enough.
-- Returns whether there is an attempt to make, whether the last one was connected, and perhaps a failure's code.
local function move(ctx, code)
  local attempt = request_context.record(ctx, "attempt")
  local connected = has_come_to(ngx.var.upstream_connect_time) -- then a timeout means that it is slow, not absent
  attempt.is_too_slow = code == 504 and not has_come_to(ngx.var.upstream_header_time)
  attempt.was_sent = attempt.was_sent or connected
  if connected and not attempt.is_too_slow then
    ejection.was_reset(ctx.entry, ctx.target)
  else
    ejection.failed(ctx.entry, ctx.target)
  end
  attempt.is_judged = true
  local may_go_on, failure = false, nil
  if not connected or not attempt.is_too_slow and KNOWS_WHETHER_TO_REPEAT[ngx.req.get_method()] then
    may_go_on, failure = find_next(ctx, connected)
  end
  if not may_go_on then
    attempt.was_connected = connected
  end
  return may_go_on, connected, failure
end

-- One more than there is to try even with a single target: the table may change meanwhile.
local function more_tries(ctx)
  local entry = ctx.entry
  local others = #entry.targets - 1
  local tries = (others > MAX_MORE_TRIES and MAX_MORE_TRIES or others > 1 and others or 1)
  if #entry.standby > 0 then
    tries = tries + 1
    ctx.attempt = { tries_left = tries }
  end
  balancer.set_more_tries(tries)
end

local function set_timeouts(ctx, read_timeout_s)
  local entry = ctx.entry
  local read_s = read_timeout_s or (ctx.streams and STREAM_READ_S or entry.read_s)
  if entry.connect_s ~= CONF_CONNECT_S or read_s ~= CONF_READ_S then
    local ok, err = balancer.set_timeouts(entry.connect_s, read_s, read_s)
    if not ok then
      ngx.log(ngx.ERR, "the timeouts of ", entry.host, " are not in force: ", err)
    end
  end
end

-- A body that was read after the access phase: only now is its size known. Meanwhile its target may be gone, or its
-- caller have changed.
-- Returns nil, or a failure's code.
local function receive(ctx)
  local failure = request_body.arrived(ctx, tonumber(ngx.var.content_length) or 0)
  if failure then
    return failure
  end
  if routes.is_current(ctx.entry) and access.still_stands(ctx) then
    return nil
  end
  local target, entry = take_anew(ctx)
  if not target then
    return entry
  end
  inflight.remove(ctx.entry, ctx.target, ctx.streams)
  ctx.target, ctx.entry = target, entry
  return nil
end

local function dial(ctx, read_timeout_s)
  set_timeouts(ctx, read_timeout_s)
  local target = ctx.target
  local ok, err = balancer.set_current_peer(target.address, target.port)
  if not ok then
    ngx.log(ngx.ERR, "target ", target.id, " of ", ctx.entry.host, " can't be dialled: ", err)
    return ngx.exit(ngx.ERROR)
  end
end

-- Ends a request that can't be sent now. `may_be_sent`: no target has it, so that it may wait for one. `code`: nginx's
-- for why the last one has not.
local function give_up(ctx, failure, may_be_sent, code)
  if may_be_sent and requeue.may_wait(ctx) then
    return requeue.put_back(ctx, code)
  end
  if failure then
    request_context.record(ctx, "response").code = failures.described(failure)
  end
  return ngx.exit(NGX_BUSY)
end

local function dial_first(ctx, read_timeout_s)
  local failure = ctx.body_is_unread and receive(ctx)
  if failure then
    return give_up(ctx, failure, failure == "no-ready-replica")
  end
  more_tries(ctx)
  return dial(ctx, read_timeout_s)
end

-- Balancer phase: nginx calls it again for every further try that it allows. `read_timeout_s`: instead of the entry's.
function _M.dial(read_timeout_s)
  local ctx = ngx.ctx
  local failed, code = balancer.get_last_failure()
  if not failed then
    return dial_first(ctx, read_timeout_s)
  end
  local may_go_on, was_sent, failure = move(ctx, code)
  if not may_go_on then
    return give_up(ctx, failure, not was_sent, code)
  end
  if not was_sent or ctx.attempt.is_repeated then
    balancer.set_more_tries(1) -- so that the last failure leads here too, and a request that was refused may wait
  end
  metrics.count("retries", ctx.entry.app)
  return dial(ctx, read_timeout_s)
end

-- Balancer phase, after an attempt that the caller judged: dials another target, if there is one.
function _M.dial_another(ctx)
  if not take_another(ctx) then
    return ngx.exit(NGX_BUSY)
  end
  return dial(ctx)
end

-- Log phase: the request is no longer counted for its target.
function _M.finish(ctx)
  inflight.remove(ctx.entry, ctx.target, ctx.streams)
end

return _M
