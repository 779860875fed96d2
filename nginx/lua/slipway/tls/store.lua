-- Certificates and what hosts say of HTTPS, in shared memory. Written by loader.lua alone, read at
-- each handshake. Nothing is ever evicted, and nothing that a client says is stored.
--
--   name|<host, *.parent or address>  the certificate's reference, or BROKEN
--   chain|<reference>, key|<reference>  PEM
--   about|<reference>                   Unix seconds of its expiry, then its own names, a line each
--   id|<id>                             the reference that was loaded last
--   address|<4 or 6>                    the reference of any certificate for an address of this family
--   host|<host or *.parent>             "<redirect, both or off> <value of Strict-Transport-Security, or nothing>"
--
-- A reference is "<id> <SHA-256 of both files>": what was loaded under one never changes.
local _M = {}

local shared = ngx.shared.slipway_certificates

local DEFAULT_NAME = "slipway.invalid"
local BROKEN = "-" -- the name has a certificate that can't be used: nobody else's may answer for it

local function is_address(name)
  return name:find(":", 1, true) ~= nil or name:find("^%d+%.%d+%.%d+%.%d+$") ~= nil
end

local function family(address)
  return address:find(":", 1, true) and "6" or "4"
end

-- What stands at `kind` for this name: its own, else that of its wildcard; and which of the two it was.
local function nearest(kind, name)
  local value = shared:get(kind .. name)
  if value then
    return value, "exact"
  end
  local parent = name:match("^[^.]+(%..+)$")
  return parent and shared:get(kind .. "*" .. parent) or nil, "wildcard"
end

-- The reference of the name's certificate, and whether that is for it alone ("exact") or for its siblings, too; nil
-- when there is none, or none that can be used.
function _M.find(name)
  local ref, how = nearest("name|", name)
  if not ref or ref == BROKEN then
    return nil, ref and "broken" or "none"
  end
  return ref, how
end

-- What the host says of HTTPS: redirect, both or off; and the value of Strict-Transport-Security (nil: none).
function _M.policy(host)
  local value = nearest("host|", host)
  if not value then
    return "both", nil
  end
  local https, hsts = value:match("^(%a+) (.*)$")
  return https, hsts ~= "" and hsts or nil
end

-- The reference of any certificate for an address of this one's family.
function _M.of_any_address(address)
  return shared:get("address|" .. family(address))
end

-- The reference of the default certificate, which is for no host.
function _M.default()
  return shared:get("name|" .. DEFAULT_NAME)
end

function _M.pem(ref)
  return shared:get("chain|" .. ref), shared:get("key|" .. ref)
end

-- The names that a certificate is for, as a set, and when it expires; nil when it is not there.
function _M.about(ref)
  local lines = shared:get("about|" .. ref)
  if not lines then
    return nil
  end
  local names, expires_at_s = {}, nil
  for line in lines:gmatch("[^\n]+") do
    if expires_at_s then
      names[line] = true
    else
      expires_at_s = tonumber(line)
    end
  end
  return names, expires_at_s
end

-- The reference that was loaded last for this id, where it is there still.
function _M.last(id)
  local ref = shared:get("id|" .. id)
  return ref and shared:get("about|" .. ref) and ref or nil
end

-- The references of all that is there, also what no index lists yet.
function _M.references()
  local found = {}
  for _, key in ipairs(shared:get_keys(0)) do
    found[#found + 1] = key:match("^about|(.+)$")
  end
  return found
end

-- Puts a certificate in. Its memory is taken before any name refers to it; returns nil and why not.
function _M.put(id, ref, chain, key, names, expires_at_s)
  local parts = {
    { "chain|" .. ref, chain }, { "key|" .. ref, key },
    { "about|" .. ref, table.concat({ expires_at_s, unpack(names) }, "\n") }, { "id|" .. id, ref },
  }
  for _, part in ipairs(parts) do
    local ok, err = shared:safe_set(part[1], part[2])
    if not ok then
      for i = 1, 3 do
        shared:delete(parts[i][1])
      end
      return nil, err
    end
  end
  return true
end

-- A batch is what shall be there, by key: `commit` writes it and removes the rest.
local Batch = {}
Batch.__index = Batch

function _M.batch()
  return setmetatable({ values = {} }, Batch)
end

-- The certificate stays.
function Batch:keep(id, ref)
  for _, kind in ipairs({ "chain|", "key|", "about|" }) do
    self.values[kind .. ref] = true
  end
  self.values["id|" .. id] = ref
end

-- The first certificate that comes for a name has it; a broken one gives way to any.
function Batch:name(name, ref)
  local key = "name|" .. name
  local before = self.values[key]
  if not before or before == BROKEN then
    self.values[key] = ref or BROKEN
  end
  if ref and is_address(name) then
    local any = "address|" .. family(name)
    self.values[any] = self.values[any] or ref
  end
end

function Batch:policy(host, https, hsts)
  self.values["host|" .. host] = https .. " " .. (hsts or "")
end

-- Workers see each name change at once, and never one whose certificate is not there.
function Batch:commit(faults)
  for key, value in pairs(self.values) do
    if value ~= true and shared:get(key) ~= value then
      local ok, err = shared:safe_set(key, value)
      if not ok then
        shared:delete(key) -- makes room
        shared:safe_set(key, BROKEN)
        faults[#faults + 1] = key .. " does not fit into shared memory (" .. err
          .. "): enlarge lua_shared_dict slipway_certificates"
      end
    end
  end
  for _, key in ipairs(shared:get_keys(0)) do
    if key:find("|", 1, true) and not self.values[key] then
      shared:delete(key)
    end
  end
end

-- Whether an index was ever read: from then on one that is missing is a fault.
function _M.has_index()
  return shared:get("has_index") == true
end

function _M.note_index()
  shared:set("has_index", true)
end

-- The last index could not be read.
function _M.note_unreadable()
  local facts = _M.facts()
  facts.index = 0
  _M.set_facts(facts)
end

-- What metrics report: certificates that are loaded, names that have none they can use, whether the index was read, and
-- when the first certificate expires (nil: there is none).
function _M.set_facts(facts)
  shared:set("facts", table.concat({ facts.loaded, facts.broken, facts.index, facts.expires_at_s }, " "))
end

function _M.facts()
  local loaded, broken, index, expires_at_s = (shared:get("facts") or "0 0 1"):match("^(%d+) (%d+) (%d+) ?(%d*)$")
  return { loaded = tonumber(loaded), broken = tonumber(broken), index = tonumber(index),
    expires_at_s = tonumber(expires_at_s) }
end

return _M
