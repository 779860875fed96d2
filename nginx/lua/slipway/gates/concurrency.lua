-- At most `max_concurrency` requests of an app under way, over all workers; without it nothing is counted.
local worker_counts = require("slipway.metrics.worker_counts")
local waiting = require("slipway.gates.waiting")

local _M = {}

local counts = worker_counts.new(ngx.shared.slipway_waiting)

local function name(app)
  return "under way " .. app
end

-- False when there is no room. What was taken once is kept until `leave`.
function _M.enter(ctx, entry)
  if not entry.max_concurrency or ctx.slot then
    return true
  end
  if not counts:add_within(name(entry.app), 1, entry.max_concurrency) then
    return false
  end
  ctx.slot = entry.app
  return true
end

function _M.leave(ctx, host)
  counts:add(name(ctx.slot), -1)
  ctx.slot = nil
  waiting.poke(host)
end

return _M
