-- TLS handshakes. What happens to whom is decided by the name in the client's hello (SNI).
local certificates = require("slipway.tls.certificates")
local clienthello = require("ngx.ssl.clienthello")
local counts = require("slipway.tls.counts")
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

-- When a certificate was taken out that can't be served with. False: the connection has none.
local function use_default(connection)
  local ref = store.default()
  local pair = ref and certificates.parsed(ref)
  return pair and openssl.use(connection, pair) or false
end

-- Puts the certificate in place of the configured one, the default. Returns whether the connection has any, and whether
-- it is this one.
local function use(connection, ref)
  local pair = certificates.parsed(ref)
  if not pair then
    return true, false
  end
  if openssl.use(connection, pair) then
    return true, true
  end
  certificates.mark_unusable(ref, "OpenSSL refuses it, as it does with a key that is too short")
  return use_default(connection), false
end

local function fail(why)
  ngx.log(ngx.ERR, "a handshake was ended: ", why)
  return ngx.exit(ngx.ERROR)
end

-- Client hello, before OpenSSL looks whether a session is resumed. A session is bound to the host and its certificate:
-- no other host resumes it, and none outlives its certificate.
function _M.hello()
  local connection = openssl.connection()
  local name = clienthello.get_client_hello_server_name()
  local ref, how = certificate_of(name)
  local context = openssl.sha256((name or "") .. "\0" .. (ref or ""))
  if not connection or not openssl.set_session_context(connection, context) or not tickets.choose_key(connection) then
    return fail("its session can't be bound to its host")
  end
  if ref then
    local has_any, has_own = use(connection, ref)
    if not has_any then
      return fail("it has no certificate")
    end
    how = has_own and how or "broken"
  end
  counts.add(how)
end

-- Certificate phase of the console's host, which is a server of its own: nginx has given the connection that server's
-- certificate since the client's hello.
function _M.certificate()
  local ref = certificate_of(ssl.server_name())
  if ref and not use(openssl.connection(), ref) then
    return fail("it has no certificate")
  end
end

return _M
