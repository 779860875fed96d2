-- TLS handshakes. What happens to whom is decided by the name in the client's hello (SNI).
local certificates = require("slipway.tls.certificates")
local clienthello = require("ngx.ssl.clienthello")
local metrics = require("slipway.metrics.metrics")
local openssl = require("slipway.tls.openssl")
local ssl = require("ngx.ssl")
local store = require("slipway.tls.store")
local tickets = require("slipway.tls.tickets")

local _M = {}

local function certificate_of(name)
  if name then
    return certificates.of(name)
  end
  return certificates.of_address()
end

-- Client hello, before OpenSSL looks whether a session is resumed. A session is bound to the host and its certificate:
-- no other host resumes it, and none outlives its certificate.
function _M.hello()
  metrics.count_handshake("begun")
  local connection = openssl.connection()
  local name = clienthello.get_client_hello_server_name()
  local context = openssl.sha256((name or "") .. "\0" .. (certificate_of(name) or ""))
  if not connection or not openssl.set_session_context(connection, context) or not tickets.choose_key(connection) then
    ngx.log(ngx.ERR, "a session can't be bound to its host")
    return ngx.exit(ngx.ERROR)
  end
end

-- Puts the certificate in place of the configured one; nil and why not.
local function set(parsed)
  local ok, err = ssl.clear_certs()
  if ok then
    ok, err = ssl.set_cert(parsed.chain)
  end
  if ok then
    ok, err = ssl.set_priv_key(parsed.key)
  end
  return ok, err
end

-- When a certificate was taken out that can't be served with.
local function set_default()
  local ref = store.default()
  local parsed = ref and certificates.parsed(ref)
  if not parsed or not set(parsed) then
    return ngx.exit(ngx.ERROR)
  end
end

-- Certificate phase, of sessions that begin. Without a certificate of the name's own the client gets the configured
-- one, the default.
function _M.certificate()
  local ref, how = certificate_of(ssl.server_name())
  local parsed = ref and certificates.parsed(ref)
  if not parsed then
    return metrics.count_handshake(ref and "broken" or how)
  end
  local ok, err = set(parsed)
  if ok then
    return metrics.count_handshake(how)
  end
  certificates.mark_unusable(ref, err)
  metrics.count_handshake("broken")
  return set_default()
end

return _M
