-- How an app's request ended, and what follows from it: counted off, and the target, the app and its latency judged.
local admission = require("slipway.request.admission")
local responses = require("slipway.responses.responses")
local attempts = require("slipway.request.attempts")
local breaker = require("slipway.gates.breaker")
local ejection = require("slipway.balancing.ejection")
local latencies = require("slipway.balancing.latencies")
local metrics = require("slipway.metrics.metrics")
local settings = require("slipway.worker.settings")

local _M = {}

local CLIENT_WENT = 499
local IN_VAIN_S = settings.in_vain_s or 10

-- The last attempt's. Streams last as long as they like.
local function note_latency(ctx)
  local time = (ngx.var.upstream_response_time or ""):match("([%d.]+)$")
  if time and not ctx.streams then
    latencies.note(ctx.target.id, tonumber(time))
  end
end

-- A replica that dies breaks all its connections at once: a request that was under way when another's connection broke
-- says nothing new of the app.
local function broke_with_others(ctx, entry)
  if ngx.status ~= 502 or ctx.broken then
    return false
  end
  if ngx.req.start_time() < (entry.broke_at_s or 0) then
    return true
  end
  entry.broke_at_s = ngx.now()
  return false
end

-- The target failed with a 5xx of its own, or gave no answer and the edge answered for it (then ctx.page stands).
local function failed(ctx, entry)
  if not ctx.judged then
    ejection.failed(entry, ctx.target)
  end
  local answered = ctx.page == nil
  if not answered and broke_with_others(ctx, entry) then
    answered = nil
  end
  breaker.note(ctx, entry, answered)
end

-- Most clients have less patience than `read_s`. Without this a target that hangs would be asked for ever.
local function waited_in_vain(ctx)
  local answered = (ngx.var.upstream_header_time or ""):find("%d$")
  local waited_s = tonumber((ngx.var.upstream_response_time or ""):match("([%d.]+)$"))
  return not ctx.streams and not answered and (waited_s or 0) >= IN_VAIN_S
end

local function judge(ctx, status)
  local entry = ctx.entry
  if entry.balancing == "least_load" then
    note_latency(ctx)
  end
  if status == CLIENT_WENT or ctx.failure then
    if status == CLIENT_WENT and not ctx.judged and waited_in_vain(ctx) then
      ejection.failed(entry, ctx.target)
    end
    breaker.note(ctx, entry, nil)
  elseif status >= 500 then
    failed(ctx, entry)
  else
    ejection.succeeded(ctx.target)
    breaker.note(ctx, entry, true)
  end
end

-- Log phase: when the response is sent, the client gone, or the WebSocket closed.
function _M.finish()
  local ctx, status = ngx.ctx, responses.settle()
  admission.release(ctx)
  if ctx.target then
    attempts.finish(ctx)
    judge(ctx, status)
  end
  metrics.measure(ctx, status)
end

return _M
