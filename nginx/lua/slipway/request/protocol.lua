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

-- Only WebSockets are upgraded, and on HTTP/1.1 alone: nginx would follow an app into any protocol that the client
-- asked for.
function _M.check(ctx)
  local protocol = ngx.var.http_upgrade
  if protocol then
    if _M.is_http2() then
      return verdicts.REFUSE, "bad-request"
    end
    if protocol:lower() == "websocket" then
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
