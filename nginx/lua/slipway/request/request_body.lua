-- Reads request bodies before a target is chosen, since a slow upload may outlast one, and holds them to the entry's
-- limit. body_quota.lua bounds what all bodies take together.
local body_quota = require("slipway.request.body_quota")
local protocol = require("slipway.request.protocol")
local settings = require("slipway.worker.settings")
local verdicts = require("slipway.gates.verdicts")

local _M = {}

local TOO_SLOW = 408 -- nginx closes the connection then
local SPARE_S = settings.body_spare_s or 60
local LEAST_BYTES_PER_S = 4096
local IN_MEMORY_BYTES = 64 * 1024 -- client_body_buffer_size
local AHEAD_BYTES = 256 * 1024 -- reserved before they come
local LOOK_EVERY_S, LOOK_OFTEN_S = 1, 0.1
local HAVE_NONE = { GET = true, HEAD = true, OPTIONS = true, DELETE = true }

-- Locations of apps.conf, by the most that nginx lets in there.
local CLASSES = {
  { bytes = IN_MEMORY_BYTES, location = "@in_memory" },
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

-- The body that the request announces. Returns its length; or nil, and whether one may come all the same: chunked, or
-- by HTTP/2, where a client need not even say that there is one.
function _M.announced()
  local length = tonumber(ngx.var.content_length)
  if length then
    return length, false
  end
  return nil, protocol.is_http2() or ngx.var.http_transfer_encoding ~= nil
end

-- HTTP/2 need not say whether there is a body. Of methods that have none as a rule nothing reaches the disk, so their
-- bodies are neither read nor counted here: that takes longer than all the rest of such a request.
local function need_not_be_read()
  return protocol.is_http2() and HAVE_NONE[ngx.req.get_method()]
end

-- A gate: a body of unknown length goes to a location that bounds it.
function _M.check_size(_, entry)
  local _, is_unsized = _M.announced()
  if is_unsized and not ngx.req.is_internal() then
    return verdicts.REDIRECT, need_not_be_read() and CLASSES[1].location or class(entry.max_body_bytes)
  end
end

-- What is reserved of a body: what came, and a little ahead.
local function reserve(ctx, bytes, length)
  return body_quota.hold(ctx, math.min(bytes + AHEAD_BYTES, length or math.max(bytes, body_quota.MOST_OF_ONE)))
end

-- Refuses a body at once for which there is no room. A client that only announces a large body gets nothing reserved
-- but the bytes that are ahead of those which came.
local function begin(ctx, entry, length)
  return body_quota.enter(ctx, entry) or body_quota.hold(ctx, length) or reserve(ctx, 0, length)
end

-- Watches a body that comes in until it is too slow (on the whole, after SPARE_S), or no room is left for it. A small
-- body that has come by the first look is never counted. Returns a failure's code, or "too-slow". When nginx has left
-- for the error page meanwhile, the thread must not end the request: it sleeps until it is killed.
local function watch(ctx, entry, length, received)
  local began_s = ngx.now()
  while true do
    repeat
      ngx.sleep(ctx.body and ctx.body.bytes == length and LOOK_EVERY_S or LOOK_OFTEN_S)
    until not ctx.is_over
    local bytes = received()
    if bytes < (ngx.now() - began_s - SPARE_S) * LEAST_BYTES_PER_S then
      return "too-slow"
    end
    local failure = not ctx.body and body_quota.enter(ctx, entry) or reserve(ctx, bytes, length)
    if failure then
      return failure
    end
  end
end

-- Counts a body that has come: the bytes that lie on disk. Returns nil, or a failure's code.
local function settle(ctx, entry)
  local on_disk = ngx.req.get_body_file() and _M.size() or 0
  if not ctx.body then
    local failure = on_disk > 0 and body_quota.enter(ctx, entry) or nil
    if failure or on_disk == 0 then
      return failure
    end
  end
  body_quota.arrived(ctx)
  return body_quota.hold(ctx, on_disk)
end

-- Reads the body, and watches it: nginx bounds only the time between two pieces. A body that will lie on disk is
-- counted before it is read. Returns nil, or a failure's code.
local function read(ctx, entry, length)
  local failure = length and length > IN_MEMORY_BYTES and begin(ctx, entry, length) or nil
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
    return settle(ctx, entry)
  end
  local watching = ngx.thread.spawn(watch, ctx, entry, length, function()
    return tonumber(ngx.var.request_length) - before
  end)
  local ok, why = ngx.thread.wait(reading, watching)
  if is_read then
    ngx.thread.kill(watching)
    return settle(ctx, entry)
  end
  if not ok then
    ngx.log(ngx.ERR, "a body could not be read: ", why)
    return "internal"
  end
  return why == "too-slow" and ngx.exit(TOO_SLOW) or why
end

local function receive(ctx, entry)
  local length, is_unsized = _M.announced()
  if length then
    if length > entry.max_body_bytes then
      return "body-too-large"
    end
    if length > body_quota.MOST_OF_ONE then
      return "payload-too-large"
    end
    return read(ctx, entry, length)
  end
  if not is_unsized then
    return nil
  end
  if need_not_be_read() then
    ctx.body_is_unread = true -- nginx reads it after this phase, and the balancer looks at its size (attempts.lua)
    return nil
  end
  return read(ctx, entry, nil) or (_M.size() > entry.max_body_bytes and "body-too-large" or nil)
end

-- A gate: reads the body, if there is one, and holds it to the entry's limit and the quotas.
function _M.check(ctx, entry)
  local failure = receive(ctx, entry)
  if failure then
    return verdicts.REFUSE, failure
  end
end

-- Balancer phase: checks a body that nginx read after the access phase. Returns nil, or a failure's code.
function _M.arrived(ctx, length)
  if length > ctx.entry.max_body_bytes then
    return "body-too-large"
  end
  return nil
end

-- Access phase of the platform's own services, which nginx holds to their limits itself. Returns nil, or a failure's
-- code.
function _M.receive_own(ctx)
  local length, is_unsized = _M.announced()
  if (length and length > 0) or is_unsized then
    return read(ctx, nil, length)
  end
end

return _M
