-- A request that no target took the connection of goes back to the waiting room: its replica died a moment ago, and
-- the route table does not say so yet. It was never sent, or it is safe to repeat and its target went without an
-- answer. The balancer phase can't wait, so it ends the attempt with the one failure that apps.conf leads to @requeued,
-- whose access phase waits until the table has changed or a target takes connections again. The location is entered
-- with an empty ngx.ctx: access_phase.lua gives back what the attempt had.
local breaker = require("slipway.gates.breaker")
local verdicts = require("slipway.gates.verdicts")

local _M = {}

local shared = ngx.shared.slipway_waiting

local MOST_ROUNDS = 5 -- nginx allows ten internal redirects
local CONNECT_EVERY_S, CONNECT_TIMEOUT_S = 0.25, 0.25
local IN_VAIN_S = 30 -- for so long no other request waits for the same targets

local function vain(circuit)
  return "in vain " .. circuit
end

-- A target that took this request went without an answer.
local function was_sent(ctx)
  return ctx.attempt ~= nil and ctx.attempt.was_sent
end

-- Replicas may die of a request: it is not sent to a second one's successor.
local function may_wait_again(ctx, before)
  return before.rounds < MOST_ROUNDS and before.deadline > ngx.now() and not (before.was_sent and was_sent(ctx))
end

-- Balancer phase. Whether the request may wait: it is no trial, and no request waited for these targets in vain.
function _M.may_wait(ctx)
  local entry, before = ctx.entry, ctx.requeue
  return not (ctx.circuit_trial or ctx.half_open) and entry.waiting.requests > 0
    and (not before or may_wait_again(ctx, before))
    and not shared:get(vain(entry.circuit))
end

-- What the request fails with that waits in vain. One that was never sent must not be taken for one that may have been.
local function failure_of(code, has_been_sent)
  return code == 504 and not has_been_sent and "replica-unreachable" or "replica-failed"
end

-- Balancer phase: ends this attempt, which failed with nginx's `code`.
function _M.put_back(ctx, code)
  local entry, before = ctx.entry, ctx.requeue
  local has_been_sent = before and before.was_sent or was_sent(ctx)
  ctx.put_back = {
    deadline = before and before.deadline or ngx.now() + entry.waiting.timeout_s,
    rounds = before and before.rounds + 1 or 1,
    was_sent = has_been_sent,
    failure = failure_of(code, has_been_sent),
    circuit = entry.circuit,
    connect_at = 0,
    limited = ctx.limited, -- moves to where the request is resumed, and is not given back here
    limits_left = ctx.limits_left,
    credentials = ctx.identity and ctx.identity.credentials, -- the app's request has none
  }
  ctx.limited = nil
  return ngx.exit(ngx.ERROR)
end

-- Access phase of @requeued: resumes a request by the context that it was put back with. Returns whether it was put
-- back at all: nginx itself fails with the same status.
function _M.resume(ctx, before)
  ctx.requeue = before and before.put_back
  if ctx.requeue then
    ctx.limited, ctx.limits_left = ctx.requeue.limited, ctx.requeue.limits_left
    ctx.credentials = ctx.requeue.credentials
  end
  return ctx.requeue ~= nil
end

local function any_takes_connections(targets)
  for _, target in ipairs(targets) do
    local connection = ngx.socket.tcp()
    connection:settimeout(CONNECT_TIMEOUT_S * 1000)
    if connection:connect(target.address, target.port) then
      connection:close()
      return true
    end
  end
  return false
end

-- Whether another attempt makes sense. With the same targets as before only when one takes connections.
local function may_try(record, entry)
  if entry.circuit ~= record.circuit then
    return true
  end
  if ngx.now() < record.connect_at then
    return false
  end
  local is_any_there = any_takes_connections(entry.targets) or any_takes_connections(entry.standby)
  record.connect_at = ngx.now() + CONNECT_EVERY_S
  return is_any_there
end

-- A requeued request waits in any case, behind those that wait already.
function _M.check(ctx, entry)
  local record = ctx.requeue
  if record and not (ctx.ticket and may_try(record, entry)) then
    return verdicts.WAIT, record.failure
  end
end

-- The waiting room's limits for what is left of this request's time.
function _M.limits(ctx, limits)
  local left_s = ctx.requeue and math.max(0, ctx.requeue.deadline - ngx.now())
  return left_s and { requests = limits.requests, bytes = limits.bytes, timeout_s = left_s } or limits
end

-- Whether a request that waited ends with this since neither the table nor a target has changed.
function _M.is_in_vain(ctx, failure)
  return ctx.requeue ~= nil and failure == ctx.requeue.failure
end

-- Call it when the request has waited until its deadline, and neither the table nor a target has changed.
function _M.note_in_vain(ctx, entry)
  if entry.circuit == ctx.requeue.circuit then
    shared:set(vain(entry.circuit), true, IN_VAIN_S)
    breaker.note(ctx, entry, false)
  end
end

return _M
