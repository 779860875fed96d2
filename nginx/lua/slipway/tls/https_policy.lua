-- What a host says of HTTPS, and which connection may ask for which host.
local settings = require("slipway.worker.settings")
local store = require("slipway.tls.store")

local _M = {}

local has_tls = settings.certificates ~= nil
local certificates = has_tls and require("slipway.tls.certificates")

-- The location that sends a request without TLS on, where its host wants that and has a certificate; else nil.
local function redirect(host)
  if store.policy(host) ~= "redirect" or not certificates.of(host) then
    return nil
  end
  local method = ngx.req.get_method()
  return (method == "GET" or method == "HEAD") and "@https_moved" or "@https_repeat"
end

-- Whether the connection was made for a host with another certificate. Browsers use one connection for all hosts of its
-- certificate. A client that named no host may ask for any.
local function is_misdirected(named, host)
  return named ~= nil and named ~= host and certificates.of(named) ~= certificates.of(host)
end

-- What happens with a request before any app is looked for: nothing; or a failure's code; or nil and the location that
-- sends it on.
function _M.judge()
  if not has_tls then
    return
  end
  local var = ngx.var
  if var.https == "on" then
    return is_misdirected(var.ssl_server_name, var.host) and "misdirected" or nil
  end
  if var.slipway_proto ~= "https" then -- else a proxy in front has spoken TLS
    return nil, redirect(var.host)
  end
end

local function insist()
  local var = ngx.var
  if var.slipway_proto ~= "https" then
    return
  end
  local https, hsts = store.policy(var.host)
  if https ~= "off" and hsts then
    ngx.header["Strict-Transport-Security"] = hsts
  end
end

-- Header filter: the same, and then HSTS, where the host wants it. It takes the place of the app's own.
function _M.with_hsts(filter)
  if not has_tls then
    return filter
  end
  return function()
    filter()
    insist()
  end
end

return _M
