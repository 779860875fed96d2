-- Whether a response has a header. `ngx.header` makes a Lua string of its value; a variable of nginx has to be found by
-- its name, and only then goes over the response's headers.
local ffi = require("ffi")
local base = require("resty.core.base")
require("resty.core.response") -- declares the C function

local _M = {}

local C = ffi.C
local NAME_MOST = 64 -- bytes
local name_room = ffi.new("unsigned char[?]", NAME_MOST)
local value = ffi.new("ngx_http_lua_ffi_str_t[1]")
local error_text = ffi.new("char *[1]")

-- Header filter. `name` has no underscore, in letters of any case.
function _M.has(name)
  assert(#name <= NAME_MOST)
  local count = C.ngx_http_lua_ffi_get_resp_header(base.get_request(), name, #name, name_room, value, 1, error_text)
  if count < 0 then
    error("the headers of the response can't be read: " .. count)
  end
  return count > 0
end

return _M
