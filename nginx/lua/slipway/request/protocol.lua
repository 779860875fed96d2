-- Which HTTP the client speaks. `ngx.req.http_version` would tell too, but it ends LuaJIT's traces: what calls it for
-- every request would be interpreted.
local _M = {}

function _M.is_http2()
  return ngx.var.server_protocol == "HTTP/2.0"
end

return _M
