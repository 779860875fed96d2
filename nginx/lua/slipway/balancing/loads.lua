-- The share of its CPU that each target uses (0 … 1), as the agent measures it. The leader reads it from Redis into
-- shared memory, where it expires when it is too old to be relied on.
local cjson = require("cjson.safe")
local connection = require("slipway.worker.connection")
local leader = require("slipway.worker.leader")

local _M = {}

local shared = ngx.shared.slipway_loads

local KEY = "slipway:load"
local EVERY_S = 1
local TIMEOUT_S = 2
local FRESH_S = 5

function _M.of(id)
  return shared:get(id)
end

function _M.all()
  local found = {}
  for _, id in ipairs(shared:get_keys(0)) do
    found[id] = shared:get(id)
  end
  return found
end

local function take(fields)
  ngx.update_time()
  for i = 1, #fields, 2 do
    local load = cjson.decode(fields[i + 1])
    local cpu, at = type(load) == "table" and tonumber(load.cpu), type(load) == "table" and tonumber(load.at)
    local left_s = at and FRESH_S - (ngx.now() - at) or 0
    if cpu and left_s > 0 then
      shared:set(fields[i], cpu, left_s)
    end
  end
end

local function read()
  local client, err = connection.open(TIMEOUT_S)
  if not client then
    return nil, err
  end
  local fields
  fields, err = client:hgetall(KEY)
  if not fields then
    client:close()
    return nil, err
  end
  connection.keep(client)
  take(fields)
  return true
end

-- Errors are not logged here: route_sync.lua logs that Redis is gone. Without loads least load becomes round robin.
function _M.start()
  leader.every(EVERY_S, { name = "reading the targets' loads", work = read })
end

return _M
