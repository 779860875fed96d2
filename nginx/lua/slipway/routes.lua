-- The route table's copy in shared memory: host -> entry (JSON). Every request reads it there, so all workers, also
-- those that a reload left to finish, see a change at the same moment.
local cjson = require("cjson.safe")
local lrucache = require("resty.lrucache")
local process = require("slipway.process")

local _M = {}

local entries = ngx.shared.slipway_routes
local state = ngx.shared.slipway_state

local DECODED_KEPT = 5000
local YIELD_EVERY = 500
local DEFAULT_CONNECT_S, DEFAULT_READ_S = 2, 60
local DEFAULT_BODY_BYTES = 100 * 1024 * 1024

-- Keyed by the JSON itself, so that nothing ever needs to be invalidated.
local decoded = assert(lrucache.new(DECODED_KEPT))

local function readable(raw)
  local entry = cjson.decode(raw)
  if type(entry) ~= "table" or type(entry.targets) ~= "table" then
    return nil
  end
  local timeouts = type(entry.timeouts) == "table" and entry.timeouts or {}
  local targets = {}
  for i, target in ipairs(entry.targets) do
    local address = tostring(target.address)
    targets[i] = {
      id = tostring(target.id),
      address = address:find(":", 1, true) and "[" .. address .. "]" or address,
      port = tonumber(target.port),
      counter = process.instance() .. ":" .. tostring(target.id),
    }
  end
  return {
    raw = raw,
    app = tostring(entry.app),
    name = tostring(entry.name),
    tenant = tostring(entry.tenant),
    access = type(entry.access) == "string" and entry.access or "public",
    balancing = entry.balancing,
    targets = targets,
    connect_s = tonumber(timeouts.connect_s) or DEFAULT_CONNECT_S,
    read_s = tonumber(timeouts.read_s) or DEFAULT_READ_S,
    max_body_bytes = tonumber(entry.max_body_bytes) or DEFAULT_BODY_BYTES,
  }
end

local function why_missing()
  return state:get("complete") and "unknown-host" or "edge-starting"
end

-- The host's entry as it is now; or nil and the failure's code.
function _M.entry(host)
  local raw = entries:get(host)
  if not raw then
    return nil, why_missing()
  end
  local entry = decoded:get(raw)
  if not entry then
    entry = readable(raw)
    if not entry then
      ngx.log(ngx.ERR, "the route of ", host, " can't be read: ", raw)
      return nil, "broken-route"
    end
    decoded:set(raw, entry)
  end
  return entry
end

function _M.is_current(host, entry)
  return entries:get(host) == entry.raw
end

-- Stores one entry; an empty one removes the host, and an empty host says nothing. Without memory the table is
-- incomplete until a full read succeeds: a host that is missing from it may exist.
function _M.put(host, raw)
  if host == "" then
    return true
  end
  if raw == "" then
    entries:delete(host)
    return true
  end
  local ok, err = entries:safe_set(host, raw)
  if not ok then
    state:set("complete", false)
    ngx.log(ngx.ERR, "ALARM: the route of ", host, " does not fit into shared memory (", err,
      "): enlarge lua_shared_dict slipway_routes")
    return nil, err
  end
  return true
end

-- Replaces everything by `table_fields` (host, entry, host, entry, …). Hosts that left go first: they make room.
function _M.replace(table_fields)
  local present = {}
  for i = 1, #table_fields, 2 do
    present[table_fields[i]] = true
  end
  for _, host in ipairs(entries:get_keys(0)) do
    if not present[host] then
      entries:delete(host)
    end
  end
  for i = 1, #table_fields, 2 do
    local ok, err = _M.put(table_fields[i], table_fields[i + 1])
    if not ok then
      return nil, err
    end
    if i % (2 * YIELD_EVERY) == 1 then
      ngx.sleep(0)
    end
  end
  return true
end

-- What shared memory holds in full, and since when (Unix seconds).
function _M.held()
  return state:get("epoch"), state:get("generation"), state:get("held_since")
end

function _M.hold(epoch, generation)
  ngx.update_time()
  state:set("held_since", ngx.now())
  state:set("epoch", epoch)
  state:set("generation", generation)
  state:set("complete", true)
end

function _M.is_complete()
  return state:get("complete") == true
end

function _M.count()
  return #entries:get_keys(0)
end

return _M
