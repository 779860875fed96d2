-- Leases of requests that have ended, until Redis has forgotten them. What Redis did not confirm is sent again, also
-- when Redis was unreachable meanwhile: a call that an edge gave up may have taken a lease after all.
local connection = require("slipway.worker.connection")
local redis_health = require("slipway.limits.redis_health")
local settings = require("slipway.worker.settings")

local _M = {}

_M.LAST_S = settings.limits_lease_s or 30

local MOST = settings.limits_released_most or 50000 -- of a worker
local AT_ONCE = 200
local TIMEOUT_S, AGAIN_S, SENDER_DIED_S = 1, 0.25, 10
local LOGGED_EVERY_S = 10

local logged = ngx.shared.slipway_limits

local queue, first, last = {}, 1, 0 -- of { key, request, ends_s }, the oldest is at `first`
local sends_since_s -- when the timer that sends was made; nil when there is none

local function drop_until(index)
  for i = first, index do
    queue[i] = nil
  end
  first = math.max(first, index + 1)
end

-- Leases that have ended by themselves, and those that are too many.
local function drop_ended()
  local now_s = ngx.now()
  while first <= last and (queue[first].ends_s <= now_s or last - first >= MOST) do
    drop_until(first)
  end
end

-- The first error that is no fault of its own command; that command would fail for ever.
local function error_of(replies)
  for _, reply in ipairs(replies) do
    if type(reply) == "table" and reply[1] == false and redis_health.concerns_all(reply[2]) then
      return reply[2]
    end
  end
end

local function send_some(client)
  local upto = math.min(last, first + AT_ONCE - 1)
  client:init_pipeline()
  for i = first, upto do
    client:zrem(queue[i].key, queue[i].request)
  end
  local replies, err = client:commit_pipeline()
  err = not replies and err or replies and error_of(replies)
  if err then
    return nil, err
  end
  drop_until(upto)
  return true
end

-- Returns true when all are sent. Or nil and the error, when there is one.
local function send_all()
  drop_ended()
  if first > last then
    return true
  end
  if not redis_health.is_up() then
    return nil
  end
  local client, err = connection.open(TIMEOUT_S)
  if not client then
    return nil, err
  end
  while first <= last do
    local ok
    ok, err = send_some(client)
    if not ok then
      client:close()
      return nil, err
    end
  end
  connection.keep(client)
  return true
end

local send

local function send_in(seconds)
  sends_since_s = ngx.timer.at(seconds, send) and ngx.now() or nil
end

function send()
  local ran, is_done, err = pcall(send_all)
  sends_since_s = nil
  if not ran then
    is_done, err = nil, is_done
  end
  if err and logged:add("logged|leases", true, LOGGED_EVERY_S) then
    ngx.log(ngx.WARN, "leases of limits are given back later: ", err)
  end
  if not is_done then
    send_in(AGAIN_S)
  end
end

-- The request has ended; it may have leases at these keys.
function _M.add(request, keys)
  local ends_s = ngx.now() + _M.LAST_S
  for _, key in ipairs(keys) do
    last = last + 1
    queue[last] = { key = key, request = request, ends_s = ends_s }
  end
  drop_ended()
  if first <= last and not (sends_since_s and ngx.now() - sends_since_s < SENDER_DIED_S) then
    send_in(0)
  end
end

return _M
