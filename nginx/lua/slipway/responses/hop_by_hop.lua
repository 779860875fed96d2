-- Headers of a response that are for the edge alone (RFC 9110, 7.6.1). nginx.conf hides those that are so always, and
-- here go those that the app names in Connection. Of several lines of that nginx shows the first.
local protocol = require("slipway.request.protocol")

local _M = {}

local NAMES_NONE = { close = true, Close = true, ["keep-alive"] = true, ["Keep-Alive"] = true }
-- The edge's own by now.
local KEPT = {
  connection = true, ["content-length"] = true, date = true, server = true, ["transfer-encoding"] = true,
  ["x-request-id"] = true,
}

local function drop_named(connection)
  for name in connection:lower():gmatch("[%w-]+") do
    if not KEPT[name] then
      ngx.header[name] = nil
    end
  end
end

-- Hidden too, but it says what is switched to, or what would be.
local function show_upgrade(ctx)
  if ctx.is_http1 or not protocol.is_http2() then
    ngx.header.Upgrade = ngx.var.upstream_http_upgrade
  end
end

-- Header filter, of apps.
function _M.drop(ctx, status)
  local connection = ngx.var.upstream_http_connection
  if connection and not NAMES_NONE[connection] then
    drop_named(connection)
  end
  if status == 101 or status == 426 then
    show_upgrade(ctx)
  end
  if status == 204 then -- has no body, and no length of one
    ngx.header.Content_Length = nil
  end
end

return _M
