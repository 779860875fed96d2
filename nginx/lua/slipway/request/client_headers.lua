-- Headers in which proxies say who a client is, where it comes from and what it asked for. A client could write them
-- itself, so none of a client's reaches an app; nginx.conf sets its own after that. The tables have how such names
-- begin, since nobody can list them all. docs/reference/edge-http.md has the same tables with their reasons.
local band = require("bit").band
local ffi = require("ffi")
local request_headers = require("slipway.request.request_headers")

local _M = {}

local BEGINNINGS = {
  -- proxies in general
  "forwarded", "x-forward", "x-real-", "x-original", "x-rewrite", "x-host", "x-http-host", "x-scheme", "x-url-scheme",
  "x-script-name", "x-protocol", "front-end-https", "x-front-end-https", "proxy", "x-proxy", "remote-", "x-remote-",
  "x-override-url", "x-request-uri", "request-uri", "x-replaced-path", "x-base-url", "x-context-path",
  "x-external-path", "x-ingress-path", "x-path-prefix", "x-http-destinationurl", "wl-proxy",
  -- the client's address
  "client-ip", "x-client-ip", "x-clientip", "x-cluster-client", "true-client", "do-connecting-ip", "incap-client-ip",
  "x-true-client", "x-originating", "x-remoteip", "x-source-ip", "x-custom-ip", "z-forwarded", "cluster-client",
  "ns-client-ip", "rlnclientipaddr", "eo-client", "eo-connecting", "ali-real", "cdn-src-ip", "x-cdn-src-ip",
  -- content delivery networks and clouds
  "akamai", "x-akamai", "ali-cdn", "cf-", "cloudfront-", "fastly-", "fly-", "x-appengine", "x-arr-", "x-azure-",
  "x-envoy-", "x-nf-", "x-sucuri-", "x-vercel-", "l5d-", "x-istio-", "x-sigsci-",
  -- who signed in
  "x-slipway", "x-auth-", "x-authenticated", "x-authentik", "x-authelia", "x-user-claim", "x-user-dn", "x-user-email",
  "x-user-group", "x-user-info", "x-user-name", "x-user-principal", "x-user-role", "x-userid", "x-userinfo",
  "x-username", "x-webauth", "x-pomerium", "x-vouch", "x-oidc", "oidc-", "x-saml", "x-shib", "shib-", "ajp-", "sm-",
  "iv-", "x-ldap", "x-sso", "x-trusted", "x-jwt-assertion", "x-jwt-claim", "x-jwt-payload", "x-consumer",
  "x-anonymous-consumer", "x-credential", "x-endpoint-api", "x-apigateway", "x-goog-authenticated", "x-goog-iap",
  "x-ms-client-principal", "x-ms-token", "x-amzn-mtls", "x-amzn-oidc", "tailscale-", "teleport-", "x-teleport",
  "x-authentication", "x-authuser", "impersonate-", "x-impersonate", "cas-", "x-cas-", "mellon-", "ct-remote-user",
  "oam-", "osso-", "gap-auth", "kubeflow-user", "x-rh-identity", "x-msisdn", "x-up-calling",
  -- the client's certificate
  "client-cert", "ssl-", "x-ssl", "x-tls", "x-mtls", "x-cert", "x-client-cert", "x-client-dn", "x-client-i-dn",
  "x-client-issuer", "x-client-s-dn", "x-client-san", "x-client-ssl", "x-client-subject", "x-client-tls",
  "x-client-verify",
  -- orders to a web server in front
  "x-accel", "x-sendfile",
}
local WHOLE = {
  "affiliation", "entitlement", "eppn", "persistent-id", "targeted-id", "unscoped-affiliation", "x-email", "x-group",
  "x-groups", "x-identity", "x-login", "x-principal", "x-role", "x-roles", "x-subject", "x-user",
}
local ALLOWED = {
  -- nginx.conf replaces these, and reads what a trusted proxy says in them
  "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip",
  -- what a client proves itself with to an app
  "x-auth-key", "x-auth-nonce", "x-auth-signature", "x-auth-timestamp", "x-auth-token",
}
local CONSOLES = {
  "x-slipway-confirm", -- what a client deletes for good, named once more
  "x-slipway-tenant", -- in which of their tenants a person acts
}

local TRIED = "x-slipway-try" -- tried_request.lua

local DASH, UNDERSCORE, DOT = ("-_."):byte(1, 3)

-- A tree with a table for each letter. CGI and its like make the same name of all three separators.
local root = {}

-- Marks which names may be in the tree, by their first three letters: that rules out nearly all others, and LuaJIT
-- compiles it to a few instructions. Two starts may share a place.
local starts = ffi.new("uint8_t[4096]")

local function place(first, second, third)
  return (band(first * 961 + second * 31 + third, 4095))
end

local function mark_start(name)
  local first, second, third = name:byte(1, 3)
  for _, separator in ipairs({ DASH, UNDERSCORE, DOT }) do
    starts[place(first, second == DASH and separator or second, third == DASH and separator or third)] = 1
  end
end

local function leaf(name)
  mark_start(name)
  local node = root
  for i = 1, #name do
    local byte = name:byte(i)
    local next_node = node[byte]
    if not next_node then
      next_node = {}
      node[byte] = next_node
      if byte == DASH then
        node[UNDERSCORE], node[DOT] = next_node, next_node
      end
    end
    node = next_node
  end
  return node
end

for _, beginning in ipairs(BEGINNINGS) do
  leaf(beginning).is_beginning = true
end
for _, name in ipairs(WHOLE) do
  leaf(name).is_whole = true
end

mark_start("authorization")

local is_allowed, is_consoles = {}, {}
for _, name in ipairs(ALLOWED) do
  is_allowed[name], is_consoles[name] = true, true
end
for _, name in ipairs(CONSOLES) do
  is_consoles[name] = true
end

-- Follows the name from its byte `i` on, from this node of the tree. No loop: see worker/compiler.lua.
local function is_in_tree(node, name, i, length, allowed)
  if i == length then
    return node.is_whole == true
  end
  local next_node = node[name[i]]
  if not next_node then
    return false
  elseif next_node.is_beginning then
    return not allowed[ffi.string(name, length)]
  end
  return is_in_tree(next_node, name, i + 1, length, allowed)
end

-- Whether it is an Authorization with a token of Slipway's own, which is nobody's business but Slipway's.
local function has_own_token(header)
  return header.key.len == 13 and ffi.string(header.key.data, 13) == "authorization"
    and ffi.string(header.value.data, header.value.len):find("slw_", 1, true) ~= nil
end

local function is_dropped(header, allowed)
  local name, length = header.key.data, header.key.len
  return length > 2 and starts[place(name[0], name[1], name[2])] == 1 and (is_in_tree(root, name, 0, length, allowed)
    or allowed == is_allowed and has_own_token(header))
end

-- Names of those that are dropped, from header `i` on; mostly nil. No loop: see worker/compiler.lua.
local function dropped_names(found, i, count, allowed, names)
  if i == count then
    return names
  end
  local header = found[i]
  if is_dropped(header, allowed) then
    names = names or {}
    names[#names + 1] = ffi.string(header.key.data, header.key.len)
    if names[#names] == TRIED then
      names.tried = ffi.string(header.value.data, header.value.len)
    end
  end
  return dropped_names(found, i + 1, count, allowed, names)
end

-- Returns what the router asks by of a request that somebody tries; mostly nil.
local function drop(allowed)
  local found, count = request_headers.read()
  local names = dropped_names(found, 0, count, allowed)
  if not names then
    return nil
  end
  for _, name in ipairs(names) do
    ngx.req.clear_header(name)
  end
  return names.tried
end

-- Before a request goes to an app.
function _M.drop()
  return drop(is_allowed)
end

-- Before a request goes to the platform's own services.
function _M.drop_for_console()
  return drop(is_consoles)
end

return _M
