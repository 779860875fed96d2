-- Request bodies: held to the entry's limit and read before a target is chosen, since a slow upload may outlast one.
local protocol = require("slipway.protocol")
local settings = require("slipway.settings")

local _M = {}

local TOO_SLOW = 408 -- nginx closes the connection then
local SPARE_S = settings.body_spare_s or 60
local LEAST_BYTES_PER_S = 4096

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

-- Leaves for the location that bounds a body of unknown length, and starts over there. So it comes first.
function _M.bound(entry)
  if not ngx.req.is_internal() then
    ngx.exec(class(entry.max_body_bytes))
  end
end

-- nginx bounds only the time between two pieces. A body that is there already needs no watch.
local function read(most_bytes)
  local is_read = false
  local reading = ngx.thread.spawn(function()
    ngx.req.read_body()
    is_read = true
  end)
  if is_read then
    return
  end
  local watching = ngx.thread.spawn(function()
    ngx.sleep(SPARE_S + most_bytes / LEAST_BYTES_PER_S)
  end)
  ngx.thread.wait(reading, watching)
  if not is_read then
    return ngx.exit(TOO_SLOW)
  end
  ngx.thread.kill(watching)
end

-- Reads the body, if there is one. Returns nil, or a failure's code. Some versions of the Lua module can't read an
-- unsized one of HTTP/2 (openresty/lua-nginx-module#2172): nginx does, after this phase, and the balancer looks at its
-- size (attempts.lua).
function _M.receive(entry, length, is_unsized)
  if length then
    if length > entry.max_body_bytes then
      return "body-too-large"
    end
    read(length)
    return nil
  end
  if not is_unsized then
    return nil
  end
  if protocol.is_http2() then
    ngx.ctx.unread = true
    return nil
  end
  read(entry.max_body_bytes)
  return _M.size() > entry.max_body_bytes and "body-too-large" or nil
end

return _M
