-- One route's entry, from its JSON (docs/reference/edge-protocol.md) to what a request works with. What an entry does
-- not say has a default here.
local cjson = require("cjson.safe")

local _M = {}

local CONNECT_S, READ_S = 2, 60
local BODY_BYTES = 100 * 1024 * 1024
local WAITING = { requests = 1000, bytes = 64 * 1024 * 1024, timeout_s = 10 }
local EJECTION = { failures = 5, pause_s = 5, most_s = 60 }
local STOPPED = { ["not-deployed"] = true, ["scaled-to-zero"] = true }
local BREAKER = { failures = 20, pause_s = 5, most_s = 0 }

-- The numbers that `said` has, the defaults for the rest. Who says nothing shares the defaults with all others.
local function numbers(said, defaults)
  if type(said) ~= "table" then
    return defaults
  end
  local found = {}
  for name, default in pairs(defaults) do
    found[name] = tonumber(said[name]) or default
  end
  return found
end

-- A target as requests work with it.
local function target_of(said)
  local id, address = tostring(said.id), tostring(said.address)
  return {
    id = id,
    address = address:find(":", 1, true) and "[" .. address .. "]" or address,
    port = tonumber(said.port),
    weight = tonumber(said.weight) or 1,
    streak = "target:" .. id,
  }
end

local function targets_of(said)
  local targets = {}
  for i, target in ipairs(type(said) == "table" and said or {}) do
    targets[i] = target_of(target)
  end
  return targets
end

-- The code of why nothing is meant to serve; nil when something is.
local function why_stopped(said)
  if not said or said == ngx.null then
    return nil
  end
  return STOPPED[said] and said or "app-stopped"
end

-- nil when it can't be read.
function _M.read(raw)
  local said = cjson.decode(raw)
  if type(said) ~= "table" or type(said.targets) ~= "table" then
    return nil
  end
  local timeouts = numbers(said.timeouts, { connect_s = CONNECT_S, read_s = READ_S })
  return {
    raw = raw,
    app = tostring(said.app),
    name = tostring(said.name),
    tenant = tostring(said.tenant),
    access = type(said.access) == "string" and said.access or "public",
    balancing = said.balancing,
    targets = targets_of(said.targets),
    standby = targets_of(said.standby), -- for what no target takes
    stopped = why_stopped(said.stopped),
    connect_s = timeouts.connect_s,
    read_s = timeouts.read_s,
    max_body_bytes = tonumber(said.max_body_bytes) or BODY_BYTES,
    max_concurrency = tonumber(said.max_concurrency),
    waiting = numbers(said.waiting, WAITING),
    ejection = numbers(said.ejection, EJECTION),
    breaker = numbers(said.breaker, BREAKER),
    -- A new generation is a new start: what failed may be gone with the old targets.
    circuit = "app:" .. tostring(said.app) .. ":" .. tostring(said.generation),
  }
end

return _M
