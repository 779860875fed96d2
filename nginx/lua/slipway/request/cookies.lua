-- Keeps Slipway's own cookies from apps: an app never sees them, and can't set them. Theirs are the names that begin as
-- below, however they are written: a browser, or what an app reads cookies with, may take odd spellings for ours.
local _M = {}

local BEGINNINGS = { "__host-slipway", "slipway-session", "slipway-login" }
local PART = "slipway" -- of all of them

-- A browser sends a cookie without a name (`=value`) as its value alone, which could look like one of ours.
local function is_ours(cookie)
  local name = cookie:match("^[%s%c=]*(.*)$"):lower()
  for _, beginning in ipairs(BEGINNINGS) do
    if name:sub(1, #beginning) == beginning then
      return true
    end
  end
  return false
end

-- Takes ours out of the request that an app gets.
function _M.withhold()
  local header = ngx.var.http_cookie
  if not header or not header:lower():find(PART, 1, true) then
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
