-- Leases of requests that are under way, where a limit counts those at one time. This worker renews those of its
-- requests, and gives each back when its request ends. A killed worker's expire.
local connection = require("slipway.worker.connection")
local redis_health = require("slipway.limits.redis_health")
local scripts = require("slipway.limits.scripts")
local settings = require("slipway.worker.settings")

local _M = {}

_M.LAST_S = settings.limits_lease_s or 30

local RENEWED_EVERY_S = _M.LAST_S / 3
local FINISHING_S = 3600 -- worker_shutdown_timeout: an exiting worker's timers stand still
local AT_ONCE = 200
local TIMEOUT_S = 1

local renewal -- the script
local held = {} -- request -> { keys, is_taken }
local released, is_releasing = {}, false

-- Call it before a lease is asked for, with all keys where it may be: the client may leave before Redis has answered.
function _M.ask(request, keys)
  held[request] = { keys = keys, is_taken = false }
end

-- Redis has answered: there are leases at these keys, or nowhere.
function _M.hold(request, keys)
  held[request] = #keys > 0 and { keys = keys, is_taken = true } or nil
end

local function with_client(work)
  if not redis_health.is_up() then
    return
  end
  local client, err = connection.open(TIMEOUT_S)
  local ok
  if client then
    ok, err = work(client)
    if ok then
      return connection.keep(client)
    end
    client:close()
  end
  ngx.log(ngx.WARN, "leases of limits are left to expire: ", err)
end

local function send_releases(client)
  while #released > 0 do
    local batch = released
    released = {}
    client:init_pipeline()
    for _, lease in ipairs(batch) do
      client:zrem(lease.key, lease.request)
    end
    local replies, err = client:commit_pipeline()
    if not replies then
      return nil, err
    end
  end
  return true
end

local function send()
  with_client(send_releases)
  released, is_releasing = {}, false
end

local function give_back(request, keys)
  for _, key in ipairs(keys) do
    released[#released + 1] = { key = key, request = request }
  end
  if not is_releasing then
    is_releasing = ngx.timer.at(0, send) ~= nil
  end
end

-- Log phase, where nothing can wait for Redis.
function _M.release(request)
  local lease = held[request]
  if lease then
    held[request] = nil
    give_back(request, lease.keys)
  end
end

local function taken()
  local found = {}
  for request, lease in pairs(held) do
    for _, key in ipairs(lease.is_taken and lease.keys or {}) do
      found[#found + 1] = { request = request, key = key }
    end
  end
  return found
end

local function renew_some(client, leases, first, last, last_s)
  local arguments, count = {}, last - first + 1
  arguments[count + 1] = string.format("%d", last_s * 1000000)
  for i = 1, count do
    arguments[i], arguments[count + 1 + i] = leases[first + i - 1].key, leases[first + i - 1].request
  end
  local _, err = scripts.run(client, renewal, count, unpack(arguments, 1, 2 * count + 1))
  if err then
    return nil, err
  end
  for i = first, last do
    if not held[leases[i].request] then -- it ended meanwhile, and the renewal may have come after its release
      give_back(leases[i].request, { leases[i].key })
    end
  end
  return true
end

local function renew(premature)
  local leases = taken()
  if #leases == 0 then
    return
  end
  with_client(function(client)
    for first = 1, #leases, AT_ONCE do
      local last = math.min(first + AT_ONCE - 1, #leases)
      local ok, err = renew_some(client, leases, first, last, premature and FINISHING_S or _M.LAST_S)
      if not ok then
        return nil, err
      end
    end
    return true
  end)
end

-- When a worker starts.
function _M.start()
  renewal = scripts.load("renew")
  assert(ngx.timer.every(RENEWED_EVERY_S, renew))
end

return _M
