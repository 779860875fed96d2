-- Sets a variable of nginx.conf from memory. `ngx.var` takes a Lua string: one that is made for a single request is
-- searched for among all strings of the worker, and collected soon after.
local ffi = require("ffi")
local base = require("resty.core.base")
require("resty.core.var") -- declares the C function

local _M = {}

local C = ffi.C
local NAME_MOST, ERROR_MOST = 64, 256 -- bytes
local name_room, error_room = ffi.new("unsigned char[?]", NAME_MOST), ffi.new("unsigned char[?]", ERROR_MOST)
local error_length = ffi.new("size_t[1]")

-- The first `length` bytes there are the variable's value; nginx copies them. The name is in lower case.
function _M.set(name, bytes, length)
  assert(#name <= NAME_MOST)
  error_length[0] = ERROR_MOST
  local code = C.ngx_http_lua_ffi_var_set(base.get_request(), name, #name, name_room, bytes, length, error_room,
    error_length)
  if code ~= 0 then
    error(ffi.string(error_room, error_length[0]))
  end
end

return _M
