-- How an app's request ended, and what follows from it: its target and its app are judged, and the request is counted.
local access_phase = require("slipway.request.access_phase")
local attempts = require("slipway.request.attempts")
local balancing = require("slipway.balancing")
local breaker = require("slipway.gates.breaker")
local ejection = require("slipway.balancing.ejection")
local latencies = require("slipway.balancing.latencies")
local metrics = require("slipway.metrics.metrics")
local responses = require("slipway.responses.responses")
local settings = require("slipway.worker.settings")

local _M = {}

local CLIENT_LEFT = 499
local IN_VAIN_S = settings.in_vain_s or 10

-- Of the last attempt. How long a stream lasts says nothing of its target.
local function note_latency(ctx)
  local time = (ngx.var.upstream_response_time or ""):match("([%d.]+)$")
  if time and not ctx.streams then
    latencies.note(ctx.target.id, tonumber(time))
  end
end

-- A replica that dies breaks all its connections at once. So a request that was under way when another's connection
-- broke is no further failure of the app. Call it for a request that got no response.
local function broke_with_others(ctx, entry)
  if ngx.status ~= 502 or ctx.response.is_malformed then
    return false
  end
  if ngx.req.start_time() < (entry.broke_at_s or 0) then
    return true
  end
  entry.broke_at_s = ngx.now()
  return false
end

-- The target failed with a 5xx of its own, or it gave no response and the edge responded in its place.
local function failed(ctx, entry)
  if not (ctx.attempt and ctx.attempt.is_judged) then
    ejection.failed(entry, ctx.target)
  end
  local responded = not (ctx.response and ctx.response.page)
  if not responded and broke_with_others(ctx, entry) then
    responded = nil
  end
  breaker.note(ctx, entry, responded)
end

-- Most clients wait less long than `read_s`. Without this a target that hangs would be used for ever.
local function waited_in_vain(ctx)
  local responded = (ngx.var.upstream_header_time or ""):find("%d$")
  local waited_s = tonumber((ngx.var.upstream_response_time or ""):match("([%d.]+)$"))
  return not ctx.streams and not responded and (waited_s or 0) >= IN_VAIN_S
end

local function left(ctx, entry)
  if not (ctx.attempt and ctx.attempt.is_judged) and waited_in_vain(ctx) then
    ejection.failed(entry, ctx.target)
  end
  breaker.note(ctx, entry, nil)
end

local function judge(ctx, status)
  local entry = ctx.entry
  if balancing.needs_latencies(entry) then
    note_latency(ctx)
  end
  if status == CLIENT_LEFT then
    left(ctx, entry)
  elseif ctx.response and ctx.response.code then
    breaker.note(ctx, entry, nil)
  elseif status >= 500 then
    failed(ctx, entry)
  else
    ejection.succeeded(ctx.target)
    breaker.note(ctx, entry, true)
  end
end

-- Log phase: the response is sent, the client has left, or the WebSocket is closed.
function _M.log_app()
  local ctx, status = ngx.ctx, responses.settle()
  access_phase.release(ctx)
  if ctx.target then
    attempts.finish(ctx)
    judge(ctx, status)
  end
  metrics.measure(ctx, status)
end

return _M
