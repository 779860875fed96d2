-- Which certificate a handshake gets, in the workers. What was parsed is kept, up to a number: a worker begins with
-- what the master has parsed.
local lrucache = require("resty.lrucache")
local openssl = require("slipway.tls.openssl")
local ssl = require("ngx.ssl")
local store = require("slipway.tls.store")

local _M = {}

local KEPT_MOST = 2000

local kept = assert(lrucache.new(KEPT_MOST)) -- reference -> parsed chain and key

-- As it may be compared: lower case, without the dot of a fully qualified name, addresses in their one form.
local function canonical(name)
  if name:find(":", 1, true) or name:find("^%d+%.%d+%.%d+%.%d+$") then
    return openssl.canonical_address(name) or name
  end
  return (name:lower():gsub("%.$", ""))
end

-- The reference of the certificate for a name that a client says, and how it was found; nil: the default one. Most
-- names come as they are compared, and to look is quicker than to make sure.
function _M.of(name)
  local ref, how = store.find(name)
  if how == "none" then
    return store.find(canonical(name))
  end
  return ref, how
end

-- The same of a client that says none, since it asks for an address. Behind a translation of addresses this host does
-- not know the one that it was asked for: then any address's certificate of the same family.
function _M.of_address()
  local bytes = ssl.raw_server_addr()
  local address = bytes and openssl.address_of(bytes)
  if not address then
    return nil, "none"
  end
  local ref, how = store.find(address)
  if not ref and how == "none" then
    ref = store.of_any_address(address)
  end
  return ref, ref and "address" or how
end

-- The certificate was parsed elsewhere.
function _M.keep(ref, chain, key)
  kept:set(ref, openssl.pair(chain, key))
end

-- From now on the reference is not served with: one that OpenSSL refuses, as for a key that is too short.
function _M.mark_unusable(ref, fault)
  kept:set(ref, { fault = fault })
  ngx.log(ngx.ERR, "ALARM: certificate ", ref, " can't be served: ", fault)
end

-- The parsed pair of a reference; nil and why not.
function _M.parsed(ref)
  local found = kept:get(ref)
  if found then
    return found.chain and found, found.fault
  end
  local chain_pem, key_pem = store.pem(ref)
  if not chain_pem or not key_pem then
    return nil, "it is not in shared memory"
  end
  local chain, err = ssl.parse_pem_cert(chain_pem)
  if not chain then
    return nil, err
  end
  local key
  key, err = ssl.parse_pem_priv_key(key_pem)
  if not key then
    return nil, err
  end
  _M.keep(ref, chain, key)
  return kept:get(ref)
end

return _M
