-- A request that somebody tries at an app of theirs from the console: its response says which target took it, and how
-- long that took. Only the router can ask for that: it signs the host and a time (slipway/adapters/edge_client.py).
local settings = require("slipway.worker.settings")

local _M = {}

-- Whether the router asks, for this host, now. Of clients nobody knows the secret.
function _M.is_asked_by_router(mark)
  local expires, signature = mark:match("^(%d+)%.(%S+)$")
  if not expires or not settings.tried_secret or tonumber(expires) < ngx.time() then
    return false
  end
  return ngx.encode_base64(ngx.hmac_sha1(settings.tried_secret, expires .. " " .. ngx.var.host)) == signature
end

-- Header filter: in place of what an app says of itself under these names.
function _M.write(ctx)
  local header, target = ngx.header, ctx.target
  local app_s = tonumber((ngx.var.upstream_header_time or ""):match("([%d.]+)$"))
  ngx.update_time()
  header["X-Slipway-Target"] = target and target.id
  header["X-Slipway-App-S"] = app_s and ("%.3f"):format(app_s)
  header["X-Slipway-Edge-S"] = ("%.3f"):format(math.max(0, ngx.now() - ngx.req.start_time() - (app_s or 0)))
end

return _M
