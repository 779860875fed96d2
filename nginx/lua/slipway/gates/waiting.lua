-- The waiting room: for requests whose app has no ready target, or as many under way as it allows, and for those that
-- come before the first route table. Bounded in number, bytes and time. Each worker lets its own go on in the order
-- they came; the first one looks again and again, also because what it waits for may happen in another worker.
local request_body = require("slipway.request.request_body")
local semaphore = require("ngx.semaphore")
local worker_counts = require("slipway.metrics.worker_counts")

local _M = {}

local LOOK_EVERY_S = 0.01
local AT_ONCE = 2 -- a replica that just began to listen may have room for few connections that it did not take yet
local SHORTEST_S = 0.001 -- a semaphore's wait for less does not yield, and the clock would stand still

local counts = worker_counts.new(ngx.shared.slipway_waiting)
local queues = {} -- key -> { first, last, [number] = ticket }

local function first(queue)
  while queue.first <= queue.last and not queue[queue.first] do
    queue.first = queue.first + 1
  end
  return queue[queue.first]
end

local function stand_in(key)
  local queue = queues[key]
  if not queue then
    queue = { first = 1, last = 0 }
    queues[key] = queue
  end
  queue.last = queue.last + 1
  local ticket = { number = queue.last, turn = semaphore.new() }
  queue[queue.last] = ticket
  return ticket
end

-- Lets the first one look now.
function _M.poke(key)
  local queue = queues[key]
  local ticket = queue and first(queue)
  if ticket then
    ticket.turn:post()
  end
end

-- Whether one more of those who wait for a target may go on now: a few at each look, not all at the same moment.
function _M.may_release(key)
  local queue, now_s = queues[key], ngx.now()
  if now_s - (queue.released_at_s or 0) >= LOOK_EVERY_S then
    queue.released_at_s, queue.released = now_s, 0
  end
  queue.released = queue.released + 1
  return queue.released <= AT_ONCE
end

-- Whether somebody waits for this in this worker: then whoever comes stands behind.
function _M.has_queue(key)
  return queues[key] ~= nil
end

-- Ends a request's waiting, also when the client went: the log phase calls it then.
function _M.leave(ctx)
  local ticket = ctx.ticket
  ctx.ticket = nil
  counts:add("requests " .. ticket.room, -1)
  counts:add("bytes " .. ticket.room, -ticket.bytes)
  local queue = queues[ticket.key]
  queue[ticket.number] = nil
  if first(queue) then
    _M.poke(ticket.key)
  else
    queues[ticket.key] = nil
  end
end

local function enter(ctx, key, room, limits)
  local bytes = request_body.size()
  if not counts:add_within("requests " .. room, 1, limits.requests) then
    return false
  end
  if not counts:add_within("bytes " .. room, bytes, limits.bytes) then
    counts:add("requests " .. room, -1)
    return false
  end
  local ticket = stand_in(key)
  ticket.key, ticket.room, ticket.bytes = key, room, bytes
  ctx.ticket = ticket
  return true
end

-- Waits until `look()` returns true. `key`: who waits for the same thing; `room`: whose limits count. Returns nil, or
-- why it ended without: "full" or "late".
function _M.wait(ctx, key, room, limits, look)
  local deadline = ngx.now() + limits.timeout_s
  if not enter(ctx, key, room, limits) then
    return "full"
  end
  local queue, ticket = queues[key], ctx.ticket
  local done = false
  repeat
    local left_s = deadline - ngx.now()
    if left_s < SHORTEST_S then
      break
    end
    ticket.turn:wait(first(queue) == ticket and math.min(LOOK_EVERY_S, left_s) or left_s)
    done = first(queue) == ticket and look()
  until done
  _M.leave(ctx)
  return not done and "late" or nil
end

-- App -> requests of it that wait, in all workers; a dead worker's are not counted.
function _M.counts()
  local found = {}
  for name, count in pairs(counts:totals()) do
    local app = name:match("^requests (.+)$")
    if app then
      found[app] = count
    end
  end
  return found
end

return _M
