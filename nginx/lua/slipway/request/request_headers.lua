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

local SEVERAL = -1

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

-- Where the header stands among these, from number `i` on: `place` without another one, which is nil at first; SEVERAL
-- where it stands in more than one line. No loop: see worker/compiler.lua.
local function place_of(name, found, i, count, place)
  if i == count then
    return place
  end
  local key = found[i].key
  if key.len == #name and ffi.string(key.data, key.len) == name then
    place = place and SEVERAL or i
  end
  return place_of(name, found, i + 1, count, place)
end

-- The value of the header with this name, which is in lower case, among these; nil without one. It is what nginx has in
-- `variable`, which joins several lines. To ask nginx for it takes longer: it looks for the variable by its name.
function _M.value(name, variable, found, count)
  local place = place_of(name, found, 0, count, nil)
  if not place then
    return nil
  elseif place == SEVERAL then
    return ngx.var[variable]
  end
  local value = found[place].value
  return (ffi.string(value.data, value.len))
end

return _M
