-- Closes a client's connection while nginx has its request, from outside the request. nginx offers no way to do that,
-- so the socket is found in nginx' own structures, and shut down: nginx then finds that the client has left, and ends
-- the request as any other of that kind.
local ffi = require("ffi")

local _M = {}

ffi.cdef("int shutdown(int socket, int how);")

-- Where ngx_http_request_t and ngx_connection_t have what is read here, on every 64-bit platform.
local SIGNATURE = 0x50545448 -- "HTTP", the first field of a request
local CONNECTION, DATA, FD = 8, 0, 24
local SHUT_RDWR = 2

local function pointer_at(address, offset)
  return ffi.cast("char **", ffi.cast("char *", address) + offset)[0]
end

local function descriptor(request)
  if not ffi.abi("64bit") or ffi.cast("uint32_t *", request)[0] ~= SIGNATURE then
    return nil
  end
  local connection = pointer_at(request, CONNECTION)
  if connection == nil or pointer_at(connection, DATA) ~= ffi.cast("char *", request) then
    return nil
  end
  local fd = ffi.cast("int *", connection + FD)[0]
  return fd > 2 and fd or nil
end

-- Closes it by the request's address (request_context.lua). With HTTP/2 all streams of the connection end: they are the
-- same client's. Returns whether that was possible.
function _M.close(address)
  local fd = descriptor(ffi.cast("void *", address))
  if not fd then
    ngx.log(ngx.ERR, "ALARM: a client's connection can't be closed: nginx' structures are not the ones that are known")
    return false
  end
  return ffi.C.shutdown(fd, SHUT_RDWR) == 0
end

return _M
