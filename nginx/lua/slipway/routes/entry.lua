-- One route's entry, from its JSON (docs/reference/edge-protocol.md) to what a request works with. A field that an
-- entry leaves out has a default here. A field of a wrong type makes the entry unreadable, and nobody reaches its app:
-- what was meant to protect the app may be in what can't be understood.
local access = require("slipway.routes.access")
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

local PERIODS_MOST = 2 ^ 53 -- what counting in whole numbers holds (limits/take.lua)
local FIELDS_OF_LIMIT = { id = true, name = true, by = true, dry_run = true, at_once = true, requests = true,
  per_s = true }
local COUNTED_BY = { all = true, address = true, caller = true, token = true, user = true }

local function whole(value, name)
  if type(value) ~= "number" or value < 1 or value ~= math.floor(value) then
    error(name .. " is no whole number of at least 1", 0)
  end
  return value
end

-- A field that this edge does not know may make the limit another one.
local function only_known_fields(fields)
  for field in pairs(expect(fields, "table", "a limit")) do
    if not FIELDS_OF_LIMIT[field] then
      error("a limit's " .. tostring(field) .. " is not known", 0)
    end
  end
  if fields.at_once ~= nil and (fields.requests ~= nil or fields.per_s ~= nil) then
    error("a limit counts requests in a time and at one time", 0)
  end
  return fields
end

-- A limit of requests in a time (`requests`, `per_s`), or of requests at one time (`at_once`).
local function limit_of(unchecked)
  local fields = only_known_fields(unchecked)
  local name = expect(fields.name, "string", "a limit's name")
  local limit = {
    id = expect(fields.id, "string", "a limit's id"),
    name = name,
    quoted_name = '"' .. name .. '"',
    by = optional(fields.by, "string", "a limit's by") or "caller",
    only_reports = optional(fields.dry_run, "boolean", "a limit's dry_run") or false,
  }
  if not name:find("^[%w_/-]+$") or not COUNTED_BY[limit.by] then
    error("limit " .. name .. " can't be understood", 0)
  end
  if fields.at_once ~= nil then
    limit.kind, limit.most = "at_once", whole(fields.at_once, "a limit's at_once")
    limit.policy = limit.quoted_name .. ";q=" .. limit.most .. ';qu="concurrent-requests"'
    return limit
  end
  limit.kind, limit.most = "rate", whole(fields.requests, "a limit's requests")
  local per_s = whole(fields.per_s, "a limit's per_s")
  limit.period_us = per_s * 1000000
  if limit.most * limit.period_us > PERIODS_MOST then
    error("limit " .. name .. " is too large", 0)
  end
  limit.policy = limit.quoted_name .. ";q=" .. limit.most .. ";w=" .. per_s
  return limit
end

-- The limits; nil without any. And whether one counts requests at one time. An app without limits has no field for
-- them: an empty one may be limits that another version writes in another way.
local function limits_of(list)
  if list == nil then
    return nil, false
  end
  local limits, counts_at_once = {}, false
  for key, fields in pairs(expect(list, "table", "limits")) do
    local limit = limit_of(fields)
    limits[expect(key, "number", "a key of limits")] = limit
    counts_at_once = counts_at_once or limit.kind == "at_once"
  end
  if #limits == 0 then
    error("limits are empty", 0)
  end
  return limits, counts_at_once
end

-- Another host of the app, where whoever asks is sent.
local function redirect_of(host)
  if host ~= nil and not expect(host, "string", "redirect_to"):find("^[%w.-]+$") then
    error("redirect_to is no host", 0)
  end
  return host
end

local function entry_of(raw)
  local fields = expect(cjson.decode(raw), "table", "the entry")
  local app = app_of(fields.app)
  local limits, counts_at_once = limits_of(fields.limits)
  local timeouts = numbers(fields.timeouts, TIMEOUTS, "timeouts")
  return {
    raw = raw,
    app = app,
    name = expect(fields.name, "string", "name"),
    tenant = expect(fields.tenant, "string", "tenant"),
    access = access.read(fields.access),
    balancing = optional(fields.balancing, "string", "balancing"),
    targets = targets_of(fields.targets, "targets"),
    -- For requests that no target takes.
    standby = fields.standby == nil and {} or targets_of(fields.standby, "standby"),
    stopped = why_stopped(fields.stopped),
    connect_s = timeouts.connect_s,
    read_s = timeouts.read_s,
    max_body_bytes = optional(fields.max_body_bytes, "number", "max_body_bytes") or BODY_BYTES,
    redirect_to = redirect_of(fields.redirect_to),
    limits = limits,
    counts_at_once = counts_at_once,
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
