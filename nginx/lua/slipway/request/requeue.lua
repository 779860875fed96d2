-- A request that was never sent, because no target took its connection, goes back to the waiting room: its replica died
-- a moment ago, and the route table does not say so yet. The balancer phase can't wait, so it ends the attempt with the
-- one failure that apps.conf leads to @requeued, whose access phase waits until the table has changed or a target takes
-- connections again. The location is entered with an empty ngx.ctx: admission.lua gives back what the attempt had.
local breaker = require("slipway.gates.breaker")

local _M = {}

local shared = ngx.shared.slipway_waiting

local MOST_ROUNDS = 5 -- nginx allows ten internal redirects
local CONNECT_EVERY_S, CONNECT_TIMEOUT_S = 0.25, 0.25
local IN_VAIN_S = 30 -- for so long the others are not kept waiting for the same

local function vain(circuit)
  return "in vain " .. circuit
end

-- Balancer phase. Whether the request may wait: it is no trial, and nobody waited for this state of the table in vain.
function _M.may_wait(ctx)
  local entry, before = ctx.entry, ctx.requeued
  return not (ctx.trial or ctx.claimed) and entry.waiting.requests > 0
    and (not before or before.rounds < MOST_ROUNDS and before.deadline > ngx.now())
    and not shared:get(vain(entry.circuit))
end

-- Balancer phase: ends this attempt.
function _M.put_back(ctx)
  local entry, before = ctx.entry, ctx.requeued
  ctx.put_back = {
    deadline = before and before.deadline or ngx.now() + entry.waiting.timeout_s,
    rounds = before and before.rounds + 1 or 1,
    circuit = entry.circuit,
    connect_at = 0,
  }
  return ngx.exit(ngx.ERROR)
end

-- Access phase: takes up what was put back, by the context that it was put back with. Returns whether it was: nginx
-- itself fails with the same status.
function _M.resume(ctx, before)
  ctx.requeued = before and before.put_back
  return ctx.requeued ~= nil
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

-- Access phase: whether another attempt makes sense. With the same targets as before only when one takes connections.
function _M.may_try(ctx, entry)
  local requeued = ctx.requeued
  if entry.circuit ~= requeued.circuit then
    return true
  end
  if ngx.now() < requeued.connect_at then
    return false
  end
  local answers = any_takes_connections(entry.targets) or any_takes_connections(entry.standby)
  requeued.connect_at = ngx.now() + CONNECT_EVERY_S
  return answers
end

-- The waiting room's limits for what is left of this request's time.
function _M.limits(ctx, limits)
  local left_s = ctx.requeued and math.max(0, ctx.requeued.deadline - ngx.now())
  return left_s and { requests = limits.requests, bytes = limits.bytes, timeout_s = left_s } or limits
end

-- It waited to its deadline, and neither the table nor a target changed.
function _M.note_in_vain(ctx, entry)
  if entry.circuit == ctx.requeued.circuit then
    shared:set(vain(entry.circuit), true, IN_VAIN_S)
    breaker.note(ctx, entry, false)
  end
end

return _M
