-- Keeps Slipway's own cookies from apps: an app never sees them, and can't set them.
local _M = {}

local PREFIX = "__Host-slipway"

-- A browser sends a cookie without a name (`=value`) as its value alone, which could look like one of ours.
local function is_ours(cookie)
  return cookie:match("^[%s=]*(.*)$"):sub(1, #PREFIX) == PREFIX
end

-- Takes ours out of the request that an app gets.
function _M.withhold()
  local header = ngx.var.http_cookie
  if not header or not header:find(PREFIX, 1, true) then
    return
  end
  local kept = {}
  for cookie in header:gmatch("[^;]+") do
    if not is_ours(cookie) then
      kept[#kept + 1] = cookie:match("^%s*(.-)%s*$")
    end
  end
  ngx.req.set_header("Cookie", #kept > 0 and table.concat(kept, "; ") or nil)
end

-- Header filter: takes ours out of an app's response.
function _M.guard()
  local set = ngx.header.set_cookie
  if not set then
    return
  end
  local kept = {}
  for _, cookie in ipairs(type(set) == "table" and set or { set }) do
    if not is_ours(cookie) then
      kept[#kept + 1] = cookie
    end
  end
  ngx.header.set_cookie = #kept > 0 and kept or nil
end

return _M
