-- Request bodies: held to the entry's limit and read before a target is chosen, since a slow upload may outlast one.
-- What all of them may take together stands in body_quota.lua.
local body_quota = require("slipway.body_quota")
local protocol = require("slipway.protocol")
local settings = require("slipway.settings")

local _M = {}

local TOO_SLOW = 408 -- nginx closes the connection then
local SPARE_S = settings.body_spare_s or 60
local LEAST_BYTES_PER_S = 4096
local IN_MEMORY_BYTES = 64 * 1024 -- client_body_buffer_size
local LOOK_EVERY_S, LOOK_OFTEN_S = 1, 0.1
local HAVE_NONE = { GET = true, HEAD = true, OPTIONS = true, DELETE = true }

-- Locations of apps.conf, by the most that nginx lets in there.
local CLASSES = {
  { bytes = 2 ^ 20, location = "@chunked_1m" },
  { bytes = 2 ^ 24, location = "@chunked_16m" },
  { bytes = 2 ^ 27, location = "@chunked_128m" },
  { bytes = 2 ^ 30, location = "@chunked_1g" },
  { bytes = 2 ^ 34, location = "@chunked_16g" },
}

local function class(limit_bytes)
  for _, row in ipairs(CLASSES) do
    if limit_bytes <= row.bytes then
      return row.location
    end
  end
  return CLASSES[#CLASSES].location
end

-- Bytes of the body that was read.
function _M.size()
  local data = ngx.req.get_body_data()
  if data then
    return #data
  end
  local path = ngx.req.get_body_file()
  local file = path and io.open(path, "rb")
  if not file then
    return 0
  end
  local size = file:seek("end")
  file:close()
  return size
end

-- What the request says of its body: the length; or nil, and whether one may come all the same: chunked, or HTTP/2,
-- where a client need not even say that there is one.
function _M.announced()
  local length = tonumber(ngx.var.content_length)
  if length then
    return length, false
  end
  return nil, protocol.is_http2() or ngx.var.http_transfer_encoding ~= nil
end

-- HTTP/2 need not say whether there is a body; methods that have none as a rule get the least room for one.
local function room_for(entry)
  if protocol.is_http2() and HAVE_NONE[ngx.req.get_method()] then
    return math.min(entry.max_body_bytes, CLASSES[1].bytes)
  end
  return entry.max_body_bytes
end

-- Leaves for the location that bounds a body of unknown length, and starts over there. So it comes first.
function _M.bound(entry)
  if not ngx.req.is_internal() then
    ngx.exec(class(room_for(entry)))
  end
end

local function begin(ctx, app, bytes)
  return body_quota.enter(ctx, app) or body_quota.hold(ctx, bytes)
end

-- Looks at a body that comes in until it is too slow (after a while to spare, on the whole), or no more room is left
-- for one that does not say its length. What is there by the first look was never counted. Returns a failure's code, or
-- "too-slow". When nginx left for the error page meanwhile, the thread has no request any more that it might end: it
-- sleeps until it is ended with it.
local function watch(ctx, app, length, received)
  local began_s = ngx.now()
  while true do
    repeat
      ngx.sleep(length and ctx.body and LOOK_EVERY_S or LOOK_OFTEN_S)
    until not ctx.is_over
    local bytes = received()
    if bytes < (ngx.now() - began_s - SPARE_S) * LEAST_BYTES_PER_S then
      return "too-slow"
    end
    local failure = not ctx.body and body_quota.enter(ctx, app) or nil
    if not failure and not length then
      failure = body_quota.hold(ctx, bytes)
    end
    if failure then
      return failure
    end
  end
end

-- The body is there. What lies in memory is no matter of the disk's. Returns nil, or a failure's code.
local function settle(ctx, app)
  local on_disk = ngx.req.get_body_file() and _M.size() or 0
  if not ctx.body then
    local failure = on_disk > 0 and body_quota.enter(ctx, app) or nil
    if failure or on_disk == 0 then
      return failure
    end
  end
  body_quota.arrived(ctx)
  return body_quota.hold(ctx, on_disk)
end

-- Reads the body: nginx bounds only the time between two pieces. One that is going to lie on disk is counted before.
-- Returns nil, or a failure's code.
local function read(ctx, app, length)
  local failure = length and length > IN_MEMORY_BYTES and begin(ctx, app, length) or nil
  if failure then
    return failure
  end
  local before = tonumber(ngx.var.request_length)
  local is_read = false
  local reading = ngx.thread.spawn(function()
    ngx.req.read_body()
    is_read = true
  end)
  if is_read then
    return settle(ctx, app)
  end
  local watching = ngx.thread.spawn(watch, ctx, app, length, function()
    return tonumber(ngx.var.request_length) - before
  end)
  local ok, why = ngx.thread.wait(reading, watching)
  if is_read then
    ngx.thread.kill(watching)
    return settle(ctx, app)
  end
  if not ok then
    ngx.log(ngx.ERR, "a body could not be read: ", why)
    return "internal"
  end
  return why == "too-slow" and ngx.exit(TOO_SLOW) or why
end

-- Makes room for an unsized body of HTTP/2, which some versions of the Lua module can't read
-- (openresty/lua-nginx-module#2172): nginx does, after this phase, and the balancer looks at its size (attempts.lua).
local function leave_unread(ctx, entry)
  ctx.unread = true
  if HAVE_NONE[ngx.req.get_method()] then
    return nil
  end
  return begin(ctx, entry.app, math.min(entry.max_body_bytes, body_quota.BYTES))
end

-- Reads the body, if there is one. Returns nil, or a failure's code.
function _M.receive(ctx, entry, length, is_unsized)
  if length then
    if length > entry.max_body_bytes then
      return "body-too-large"
    end
    if length > body_quota.BYTES then
      return "payload-too-large"
    end
    return read(ctx, entry.app, length)
  end
  if not is_unsized then
    return nil
  end
  if protocol.is_http2() then
    return leave_unread(ctx, entry)
  end
  return read(ctx, entry.app, nil) or (_M.size() > entry.max_body_bytes and "body-too-large" or nil)
end

-- Balancer phase: the unread body is there. Returns nil, or a failure's code.
function _M.arrived(ctx, length)
  if length > ctx.entry.max_body_bytes then
    return "body-too-large"
  end
  if ctx.body then
    body_quota.arrived(ctx)
    return body_quota.hold(ctx, length > IN_MEMORY_BYTES and length or 0)
  end
end

-- Access phase of the platform's own services, which nginx holds to their limits itself. Returns nil, or a failure's
-- code.
function _M.receive_own(ctx)
  local length, is_unsized = _M.announced()
  if (length and length > 0) or (is_unsized and not protocol.is_http2()) then
    return read(ctx, nil, length)
  end
end

return _M
