-- One route's entry, from its JSON (docs/reference/edge-protocol.md) to what a request works with. A field that an
-- entry leaves out has a default here. A field of a wrong type makes the entry unreadable, and nobody reaches its app:
-- what was meant to protect the app may be in what can't be understood.
local cjson = require("cjson.safe")

local _M = {}

local CONNECT_S, READ_S = 2, 60
local BODY_BYTES = 100 * 1024 * 1024
local WAITING = { requests = 1000, bytes = 64 * 1024 * 1024, timeout_s = 10 }
local EJECTION = { failures = 5, pause_s = 5, most_s = 60 }
local STOPPED = { ["not-deployed"] = true, ["scaled-to-zero"] = true }
local BREAKER = { failures = 20, pause_s = 5, most_s = 0 }
local TIMEOUTS = { connect_s = CONNECT_S, read_s = READ_S }

local function expect(value, expected, name)
  if type(value) ~= expected then
    error(name .. " is no " .. expected, 0)
  end
  return value
end

local function optional(value, expected, name)
  return value ~= nil and expect(value, expected, name) or nil
end

-- In the rewrite phase an empty app means that a gate did not pass the request (request/access_phase.lua).
local function app_of(id)
  if expect(id, "string", "app") == "" then
    error("app is empty", 0)
  end
  return id
end

-- The numbers in `fields`, with defaults for the rest. Entries without `fields` share the defaults.
local function numbers(fields, defaults, name)
  if fields == nil then
    return defaults
  end
  expect(fields, "table", name)
  local found = {}
  for key, default in pairs(defaults) do
    found[key] = optional(fields[key], "number", name .. "." .. key) or default
  end
  return found
end

local function target_of(fields)
  expect(fields, "table", "a target")
  local id = expect(fields.id, "string", "a target's id")
  local address = expect(fields.address, "string", "a target's address")
  return {
    id = id,
    address = address:find(":", 1, true) and "[" .. address .. "]" or address,
    port = expect(fields.port, "number", "a target's port"),
    weight = optional(fields.weight, "number", "a target's weight") or 1,
    failure_key = "target:" .. id,
  }
end

local function targets_of(list, name)
  local targets = {}
  for key, fields in pairs(expect(list, "table", name)) do
    targets[expect(key, "number", "a key of " .. name)] = target_of(fields)
  end
  return targets
end

-- The code of why nothing is meant to serve; nil when something is.
local function why_stopped(reason)
  return reason ~= nil and (STOPPED[reason] and reason or "app-stopped") or nil
end

local function entry_of(raw)
  local fields = expect(cjson.decode(raw), "table", "the entry")
  local app = app_of(fields.app)
  local timeouts = numbers(fields.timeouts, TIMEOUTS, "timeouts")
  return {
    raw = raw,
    app = app,
    name = expect(fields.name, "string", "name"),
    tenant = expect(fields.tenant, "string", "tenant"),
    access = optional(fields.access, "string", "access") or "public",
    balancing = optional(fields.balancing, "string", "balancing"),
    targets = targets_of(fields.targets, "targets"),
    -- For requests that no target takes.
    standby = fields.standby == nil and {} or targets_of(fields.standby, "standby"),
    stopped = why_stopped(fields.stopped),
    connect_s = timeouts.connect_s,
    read_s = timeouts.read_s,
    max_body_bytes = optional(fields.max_body_bytes, "number", "max_body_bytes") or BODY_BYTES,
    max_concurrency = optional(fields.max_concurrency, "number", "max_concurrency"),
    waiting = numbers(fields.waiting, WAITING, "waiting"),
    ejection = numbers(fields.ejection, EJECTION, "ejection"),
    breaker = numbers(fields.breaker, BREAKER, "breaker"),
    -- The circuit of a new generation is closed: the targets that failed may be gone.
    circuit = "app:" .. app .. ":" .. expect(fields.generation, "number", "generation"),
  }
end

-- Returns the entry; or nil and why it can't be read.
function _M.read(raw)
  local ok, result = pcall(entry_of, raw)
  if ok then
    return result
  end
  return nil, result
end

return _M
