-- <state>/certificates/index.json: which certificates there are, and what hosts say of HTTPS. Whoever changes a file
-- there writes the index last, aside and renamed.
local cjson = require("cjson.safe")

local _M = {}

local HTTPS = { redirect = true, both = true, off = true }
local MOST_HSTS_S = 10 * 366 * 86400

local function is_name(name)
  return type(name) == "string" and #name <= 253 and name:match("^%*?[%w.:_-]+$") ~= nil
end

local RESERVED = { default = true, static = true } -- loader.lua

-- Below the folder of certificates: `<id>/<serial>`, so that each issue has files of its own, which never change.
local function folder_of(id, row)
  local folder = row.folder or id
  return type(folder) == "string" and (folder:match("^[%w-]+$") or folder:match("^[%w-]+/[%w-]+$"))
end

local function is_certificate(id, row)
  local is_known = type(id) == "string" and id:match("^[%w-]+$") and not RESERVED[id]
  if not is_known or type(row) ~= "table" or type(row.names) ~= "table" then
    return false
  end
  for _, name in ipairs(row.names) do
    if not is_name(name) then
      return false
    end
  end
  local has_digest = type(row.sha256) == "string" and row.sha256:match("^%x+$") ~= nil and #row.sha256 == 64
  return #row.names > 0 and has_digest and folder_of(id, row)
end

local function is_hsts(hsts_s)
  return hsts_s == nil or (type(hsts_s) == "number" and hsts_s >= 0 and hsts_s <= MOST_HSTS_S)
end

local function is_policy(host, row)
  return is_name(host) and type(row) == "table" and HTTPS[row.https] == true and is_hsts(row.hsts_s)
end

-- The value of Strict-Transport-Security; nil: it is not sent.
local function hsts(row)
  if not row.hsts_s then
    return nil
  end
  return "max-age=" .. math.floor(row.hsts_s) .. (row.hsts_subdomains == true and "; includeSubDomains" or "")
    .. (row.hsts_preload == true and "; preload" or "")
end

-- Those rows that can be understood, and what has to be said of the others. The certificate that expires last comes
-- first: where two are for one name it serves.
local function certificates(rows, faults)
  local found = {}
  for id, row in pairs(rows) do
    if is_certificate(id, row) then
      found[#found + 1] = { id = id, folder = folder_of(id, row), names = row.names, sha256 = row.sha256:lower(),
        not_after = tonumber(row.not_after) or 0 }
    else
      faults[#faults + 1] = "the index has a certificate that can't be understood: " .. tostring(id)
    end
  end
  table.sort(found, function(a, b)
    if a.not_after ~= b.not_after then
      return a.not_after > b.not_after
    end
    return a.id < b.id
  end)
  return found
end

local function policies(rows, faults)
  local found = {}
  for host, row in pairs(rows) do
    if is_policy(host, row) then
      found[#found + 1] = { host = host:lower(), https = row.https, hsts = hsts(row) }
    else
      faults[#faults + 1] = "the index says of a host what can't be understood: " .. tostring(host)
    end
  end
  return found
end

-- The index of this text: `certificates`, `policies` and `faults` (sentences about rows that are left out). Or nil and
-- why not.
function _M.parse(text)
  local document, err = cjson.decode(text)
  if type(document) ~= "table" then
    return nil, err or "it is no object"
  end
  if type(document.version) ~= "number" or type(document.certificates) ~= "table" then
    return nil, "it lacks its version or its certificates"
  end
  local faults = {}
  local hosts = type(document.hosts) == "table" and document.hosts or {}
  return {
    certificates = certificates(document.certificates, faults),
    policies = policies(hosts, faults),
    faults = faults,
  }
end

return _M
