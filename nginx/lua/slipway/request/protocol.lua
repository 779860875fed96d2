-- Which protocol a request speaks, or asks to change to. `ngx.req.http_version` says it too, but it ends LuaJIT's
-- traces: whatever calls it for every request would be interpreted.
local verdicts = require("slipway.gates.verdicts")

local _M = {}

function _M.is_http2()
  return ngx.var.server_protocol == "HTTP/2.0"
end

local function wants_events()
  local accept = ngx.var.http_accept
  return accept ~= nil and accept:find("text/event-stream", 1, true) ~= nil
end

-- Whether the client's Connection has the upgrade in it. It may come in several lines.
local function is_upgrade_named()
  local connection = ngx.req.get_headers(0).connection or ""
  local lines = type(connection) == "table" and table.concat(connection, ",") or connection
  return ("," .. lines:lower():gsub("%s", "") .. ","):find(",upgrade,", 1, true) ~= nil
end

-- Whether it is the handshake of a WebSocket, for which HTTP has rules (RFC 9110, 7.8; RFC 6455, 4.1). Whatever else
-- asks for an upgrade is a request like any other.
local function asks_for_websocket(protocol)
  return protocol:lower() == "websocket" and ngx.req.get_method() == "GET" and ngx.var.server_protocol ~= "HTTP/1.0"
    and is_upgrade_named()
end

-- Only WebSockets are upgraded, and on HTTP/1.1 alone: nginx would follow an app into any protocol that the client
-- asked for.
function _M.check(ctx)
  local protocol = ngx.var.http_upgrade
  if protocol then
    if _M.is_http2() then
      return verdicts.REFUSE, "bad-request"
    end
    if asks_for_websocket(protocol) then
      ngx.var.slipway_upgrade = "websocket"
      ctx.streams = true
      return nil
    end
    ngx.req.clear_header("Upgrade")
  end
  ctx.streams = wants_events()
end

-- A bare request asks for no upgrade.
function _M.passes_at_once(ctx)
  ctx.is_http1 = true
  ctx.streams = wants_events() or nil -- ngx.ctx has room for four fields when it is made
  return true
end

return _M
