-- A circuit breaker for each app. Closed: requests pass. Open, after too many requests in a row got no response at all
-- (refused, closed, too slow): requests are refused at once. Half open, after that: one request tries the app; a
-- response closes the circuit, none opens it again. Any response counts as one, an app's own 5xx too.
local failure_state = require("slipway.balancing.failure_state")
local metrics = require("slipway.metrics.metrics")
local verdicts = require("slipway.gates.verdicts")

local _M = {}

-- A requeued request has passed: it was never sent.
function _M.check(ctx, entry)
  if failure_state.are_none() or ctx.requeue then
    return nil
  end
  local until_s = failure_state.paused_until(entry.circuit)
  if not until_s then
    return nil
  end
  if until_s > ngx.now() or not failure_state.claim(entry.circuit, entry.read_s + 3 * entry.connect_s) then
    return verdicts.REFUSE, "circuit-open"
  end
  ctx.circuit_trial = { entry = entry, began_at_s = ngx.now() }
end

function _M.passes_at_once(_, entry)
  return failure_state.are_none() or not failure_state.paused_until(entry.circuit)
end

-- Log phase. `responded` is nil when nobody knows: the client left first. The trial ends last, so that the request that
-- tries next sees its result.
function _M.note(ctx, entry, responded)
  local trial = ctx.circuit_trial
  local began_at_s = trial and trial.began_at_s or ngx.req.start_time()
  if responded == false and failure_state.fail(entry.circuit, entry.breaker, began_at_s) then
    metrics.count("circuit_openings", entry.app)
    ngx.log(ngx.WARN, "app ", entry.app, " does not answer: its circuit is open")
  elseif responded and failure_state.succeed(entry.circuit) then
    ngx.log(ngx.NOTICE, "app ", entry.app, " answers again: its circuit is closed")
  end
  if trial then
    failure_state.release(trial.entry.circuit)
    ctx.circuit_trial = nil
  end
end

-- Ends a trial that reached no target; the log phase judges one that did.
function _M.release(ctx)
  if ctx.circuit_trial and not ctx.target then
    _M.note(ctx, ctx.entry, nil)
  end
end

return _M
