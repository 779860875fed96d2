-- A circuit breaker for each app. Closed: requests pass. Open, after too many in a row got no answer at all (refused,
-- closed, too slow): they are refused at once. Then half open: one request tries; an answer closes it, none opens it
-- again. What the app answers is its own business, 5xx too: it never opens the circuit.
local metrics = require("slipway.metrics.metrics")
local failure_state = require("slipway.balancing.failure_state")

local _M = {}

-- Access phase: nil to pass, or a failure's code.
function _M.refuses(ctx, entry)
  if failure_state.are_none() then
    return nil
  end
  local until_s = failure_state.paused_until(entry.circuit)
  if not until_s then
    return nil
  end
  if until_s > ngx.now() or not failure_state.claim(entry.circuit, entry.read_s + 3 * entry.connect_s) then
    return "circuit-open"
  end
  ctx.trial, ctx.trial_at_s = entry, ngx.now()
  return nil
end

-- Log phase. `answered` is nil when nobody knows: the client went first. The trial ends last, so that whoever gets to
-- try next sees what came of it.
function _M.note(ctx, entry, answered)
  if answered == false and failure_state.fail(entry.circuit, entry.breaker, ctx.trial_at_s or ngx.req.start_time()) then
    metrics.count("circuit_openings", entry.app)
    ngx.log(ngx.WARN, "app ", entry.app, " does not answer: its circuit is open")
  elseif answered and failure_state.succeed(entry.circuit) then
    ngx.log(ngx.NOTICE, "app ", entry.app, " answers again: its circuit is closed")
  end
  if ctx.trial then
    failure_state.release(ctx.trial.circuit)
  end
end

return _M
