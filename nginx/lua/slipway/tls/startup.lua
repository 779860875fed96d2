-- What nginx' master loads before it starts workers, so that no handshake comes before its certificate. It runs as
-- root: workers can't read the files, and get what changes later through control.lua.
local files = require("slipway.tls.files")
local index = require("slipway.tls.index")
local loader = require("slipway.tls.loader")
local process = require("slipway.worker.process")
local settings = require("slipway.worker.settings")
local tickets = require("slipway.tls.tickets")

local _M = {}

local MOST_INDEX_BYTES, MOST_PEM_BYTES = 64 * 1024 * 1024, 256 * 1024

local function alarm(fault)
  ngx.log(ngx.ERR, "ALARM: ", fault)
end

local function load(id, chain_path, key_path, sha256)
  local chain, err = files.read(chain_path, MOST_PEM_BYTES)
  local key, ref
  if chain then
    key, err = files.read(key_path, MOST_PEM_BYTES)
  end
  if key then
    ref, err = loader.put(id, chain, key, sha256)
  end
  if not ref then
    alarm("certificate " .. id .. " can't be used: " .. err)
  end
end

local function load_from_folder(id, name, sha256)
  local folder = settings.certificates .. "/" .. name
  load(id, folder .. "/fullchain.pem", folder .. "/key.pem", sha256)
end

local function index_text()
  local path = settings.certificates .. "/index.json"
  if not files.exists(path) then
    return ""
  end
  local text, err = files.read(path, MOST_INDEX_BYTES)
  if not text then
    alarm(err)
  end
  return text or "unreadable"
end

function _M.load()
  process.hide_memory()
  tickets.rotate()
  load_from_folder(loader.DEFAULT, loader.DEFAULT)
  local static = settings.static_certificate
  if static then
    load(loader.STATIC, static.certificate, static.key)
  end
  local text = index_text()
  local parsed = index.parse(text)
  for _, row in ipairs(parsed and parsed.certificates or {}) do
    load_from_folder(row.id, row.folder, row.sha256)
  end
  local _, faults = loader.apply(text)
  for _, fault in ipairs(faults) do
    alarm(fault)
  end
end

return _M
