-- Brings certificates and their index into shared memory: judges a pair, and gives names to what the index lists.
--
-- What can't be used is never replaced by somebody else's: its names get the default certificate. A certificate that
-- was loaded before serves until its successor is there.
local certificates = require("slipway.tls.certificates")
local digests = require("slipway.identity.digests")
local index = require("slipway.tls.index")
local openssl = require("slipway.tls.openssl")
local ssl = require("ngx.ssl")
local store = require("slipway.tls.store")

local _M = {}

-- Certificates that no index lists: for all names that stand in them. The edge's own, for no host, and the operator's.
_M.DEFAULT, _M.STATIC = "default", "static"
local OWN = { _M.DEFAULT, _M.STATIC }

-- The parsed chain and key of a pair that can be served with; or nil, nil and why not.
local function parse(chain_pem, key_pem)
  local chain, err = ssl.parse_pem_cert(chain_pem)
  if not chain then
    return nil, nil, "its certificate is no PEM: " .. err
  end
  local key
  key, err = ssl.parse_pem_priv_key(key_pem)
  if not key then
    return nil, nil, "its key is no PEM: " .. err
  end
  if not openssl.is_pair(chain, key) then
    return nil, nil, "its key belongs to another certificate"
  end
  return chain, key
end

local function expires_at_s(chain)
  ngx.update_time()
  return math.floor(ngx.time() + openssl.expires_in_s(chain))
end

-- Has the pair in shared memory, without a name yet. Returns its reference; or nil and why not. `sha256`: of the files
-- that are meant (nil: whichever).
function _M.put(id, chain_pem, key_pem, sha256)
  local found = digests.of(chain_pem .. key_pem)
  if sha256 and found ~= sha256 then
    return nil, "its files are not those that the index names"
  end
  local chain, key, err = parse(chain_pem, key_pem)
  if not chain then
    return nil, err
  end
  local ref = id .. " " .. found
  local ok
  ok, err = store.put(id, ref, chain_pem, key_pem, openssl.names(chain), expires_at_s(chain))
  if not ok then
    return nil, "it does not fit into shared memory (" .. err .. "): enlarge lua_shared_dict slipway_certificates"
  end
  certificates.keep(ref, chain, key)
  return ref
end

-- As a name stands in shared memory.
local function canonical(name)
  return openssl.canonical_address(name) or name:lower()
end

local function is_for(names, name)
  local parent = name:match("^[^.]+(%..+)$")
  return names[name] or parent ~= nil and names["*" .. parent] or false
end

-- Gives the certificate (nil: it can't be used) its names, and returns how many of them are without.
local function give_names(batch, id, ref, wanted, faults)
  local names, broken = ref and store.about(ref) or {}, 0
  for _, each in ipairs(wanted) do
    local name = canonical(each)
    local fits = is_for(names, name)
    if ref and not fits then
      faults[#faults + 1] = "certificate " .. id .. " is not for " .. name
    end
    broken = broken + (fits and 0 or 1)
    batch:name(name, fits and ref or nil)
  end
  return broken
end

local function keep(batch, id, ref, facts)
  local _, expires = store.about(ref)
  batch:keep(id, ref)
  facts.loaded = facts.loaded + 1
  facts.expires_at_s = math.min(facts.expires_at_s or expires, expires)
end

-- One row of the index.
local function add(batch, row, faults, facts)
  local ref = row.id .. " " .. row.sha256
  if not store.about(ref) then
    faults[#faults + 1] = "certificate " .. row.id .. " is not there as the index names it"
    facts.is_incomplete = true
    ref = store.last(row.id)
  end
  if ref then
    keep(batch, row.id, ref, facts)
  end
  facts.broken = facts.broken + give_names(batch, row.id, ref, row.names, faults)
end

local function add_own(batch, facts)
  for _, id in ipairs(OWN) do
    local ref = store.last(id)
    if ref then
      keep(batch, id, ref, facts)
      for name in pairs((store.about(ref))) do
        batch:name(name, ref)
      end
    end
  end
end

local function apply(parsed, faults, is_index_good)
  local batch, facts = store.batch(), { loaded = 0, broken = 0, index = is_index_good and 1 or 0 }
  add_own(batch, facts)
  for _, row in ipairs(parsed.certificates) do
    add(batch, row, faults, facts)
  end
  for _, policy in ipairs(parsed.policies) do
    batch:policy(policy.host, policy.https, policy.hsts)
  end
  batch:commit(faults)
  store.set_facts(facts)
  return not facts.is_incomplete
end

local function none()
  return { certificates = {}, policies = {}, faults = {} }
end

-- Puts an index in force ("": there is no file). Returns whether all that it lists is there, and sentences about what
-- is at fault. One that can't be read changes nothing: what was in force stays.
function _M.apply(text)
  if text == "" and not store.has_index() then
    return apply(none(), {}, true), {}
  end
  local parsed, err
  if text == "" then
    err = "it is missing"
  else
    parsed, err = index.parse(text)
  end
  if parsed then
    store.note_index()
    return apply(parsed, parsed.faults, true), parsed.faults
  end
  local faults = { "the index of certificates can't be read, so what was loaded before stays: " .. err }
  if store.has_index() then
    store.note_unreadable()
  else
    apply(none(), faults, false)
  end
  return false, faults
end

return _M
