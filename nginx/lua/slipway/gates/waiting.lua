-- The waiting room: for requests that a gate lets wait, and for those that come before the first route table. It is
-- bounded in number, bytes and time. Each worker lets its own requests go on in the order in which they came. The first
-- one looks every few milliseconds, since what it waits for may happen in another worker.
local request_body = require("slipway.request.request_body")
local semaphore = require("ngx.semaphore")
local worker_counts = require("slipway.metrics.worker_counts")

local _M = {}

local LOOK_EVERY_S = 0.01
local AT_ONCE = 2 -- a replica that just began to listen may queue few connections
local SHORTEST_S = 0.001 -- a semaphore's wait for less does not yield, and the clock would stand still

local counts = worker_counts.new(ngx.shared.slipway_waiting)
local queues = {} -- key -> { first, last, [number] = ticket }

local function first(queue)
  while queue.first <= queue.last and not queue[queue.first] do
    queue.first = queue.first + 1
  end
  return queue[queue.first]
end

local function enqueue(key)
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

-- Lets the first request of the queue look now.
function _M.poke(key)
  local queue = queues[key]
  local ticket = queue and first(queue)
  if ticket then
    ticket.turn:post()
  end
end

-- Whether one more request that waits for a target may go on now: a few at each look, not all at the same moment.
function _M.may_release(key)
  local queue, now_s = queues[key], ngx.now()
  if now_s - (queue.released_at_s or 0) >= LOOK_EVERY_S then
    queue.released_at_s, queue.released = now_s, 0
  end
  queue.released = queue.released + 1
  return queue.released <= AT_ONCE
end

-- Whether requests of this worker wait for the same thing.
function _M.has_queue(key)
  return queues[key] ~= nil
end

-- Ends a request's waiting. The log phase calls it when the client has left.
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
  local ticket = enqueue(key)
  ticket.key, ticket.room, ticket.bytes = key, room, bytes
  ctx.ticket = ticket
  return true
end

-- Waits until `look()` returns true. `key`: what the request waits for; `room`: whose limits apply. Returns nil, or
-- why it ended without that: "full" or "late".
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

-- App -> its waiting requests, over all living workers.
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
