-- Keeps Slipway's own cookies from apps: an app never sees them, and can't set them. Ours are the names that begin as
-- below, however they are written: a browser, or whoever reads cookies, may take odd spellings for ours.
local lrucache = require("resty.lrucache")

local _M = {}

local BEGINNINGS = { "__host-slipway", "slipway-session", "slipway-login" }
local PART = "slipway" -- of all of them
local HEADERS_MOST, REMEMBERED_MOST = 1024, 4096 -- remembered headers of a worker, bytes of one

local remembered = assert(lrucache.new(HEADERS_MOST)) -- header -> what the app gets of it

-- A browser sends a cookie without a name (`=value`) as its value alone, which could look like one of ours. Bytes that
-- no name of ours has are not looked at: what reads a cookie may do without them, too.
local function is_ours(cookie)
  local name = cookie:gsub("[^%w_=-]", ""):match("^=*([^=]*)"):lower()
  for _, beginning in ipairs(BEGINNINGS) do
    if name:sub(1, #beginning) == beginning then
      return true
    end
  end
  return false
end

-- The header without ours; "" when nothing is left of it.
local function without_ours(header)
  local kept = {}
  for cookie in header:gmatch("[^;]+") do
    if not is_ours(cookie) then
      kept[#kept + 1] = cookie:match("^%s*(.-)%s*$")
    end
  end
  return table.concat(kept, "; ")
end

-- A browser sends the same header many times. Only those that may have one of ours are remembered; nil for others.
function _M.rest_of(header)
  local rest = remembered:get(header)
  if not rest and header:lower():find(PART, 1, true) then
    rest = without_ours(header)
    if #header <= REMEMBERED_MOST then
      remembered:set(header, rest)
    end
  end
  return rest
end

-- Takes ours out of the request that an app gets. `known`: what is left of its header, where that has been found out.
function _M.withhold(known)
  local header = not known and ngx.var.http_cookie
  local rest = known or header and _M.rest_of(header)
  if rest then
    ngx.req.set_header("Cookie", rest ~= "" and rest or nil)
  end
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
