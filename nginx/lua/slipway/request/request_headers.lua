-- The headers of the request as nginx holds them.
local ffi = require("ffi")
local base = require("resty.core.base")
require("resty.core.request") -- declares the C functions

local _M = {}

local C = ffi.C
local headers_type = ffi.typeof("ngx_http_lua_ffi_table_elt_t[?]")
local room = 64
local headers = headers_type(room)
local truncated = ffi.new("int[1]")

-- Returns the headers, from index 0 on, with names in lower case, and their number. They are valid until the next call.
-- A table of strings would cost a microsecond and more.
function _M.read()
  local request = base.get_request()
  local count = C.ngx_http_lua_ffi_req_get_headers_count(request, 0, truncated)
  if count > room then
    room = count
    headers = headers_type(room)
  end
  if count > 0 then
    C.ngx_http_lua_ffi_req_get_headers(request, headers, count, 0)
  end
  return headers, count
end

return _M
