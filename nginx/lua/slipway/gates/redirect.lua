-- A host that is there to send people to another host of its app: same scheme, port, path and query, and the method
-- stays (308). Before any other gate: nothing of the app shows, and who signs in does so where the app serves.
local headers = require("slipway.gates.headers")
local verdicts = require("slipway.gates.verdicts")

local _M = {}

local PERMANENT = 308
local CACHED = "max-age=3600" -- browsers keep a redirect without it for good, and hosts change

function _M.check(ctx, entry)
  local host = entry.redirect_to
  if not host then
    return nil
  end
  local port, target = ngx.var.slipway_host:match(":%d+$") or "", ngx.var.request_uri
  local slash = target:byte() == 47 and "" or "/"
  headers.set_for_client(ctx, "Cache-Control", CACHED)
  ctx.redirect_status = PERMANENT
  return verdicts.REDIRECT, ngx.var.slipway_proto .. "://" .. host .. port .. slash .. target
end

function _M.passes_at_once(_, entry)
  return not entry.redirect_to
end

return _M
