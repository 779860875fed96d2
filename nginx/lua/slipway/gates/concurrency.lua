-- At most `max_concurrency` requests of an app under way, over all workers. Without it nothing is counted.
local worker_counts = require("slipway.metrics.worker_counts")
local verdicts = require("slipway.gates.verdicts")
local waiting = require("slipway.gates.waiting")

local _M = {}

local counts = worker_counts.new(ngx.shared.slipway_waiting)

local function name(app)
  return "under way " .. app
end

-- Takes a slot, which the request keeps until `release`. A request that comes while others wait waits behind them.
function _M.check(ctx, entry)
  if not entry.max_concurrency or ctx.slot then
    return nil
  end
  if not ctx.ticket and waiting.has_queue(entry.host)
    or not counts:add_within(name(entry.app), 1, entry.max_concurrency) then
    return verdicts.WAIT, "app-busy"
  end
  ctx.slot = { app = entry.app, host = entry.host }
end

function _M.passes_at_once(_, entry)
  return not entry.max_concurrency
end

function _M.release(ctx)
  local slot = ctx.slot
  if slot then
    ctx.slot = nil
    counts:add(name(slot.app), -1)
    waiting.poke(slot.host)
  end
end

return _M
