-- Leases of requests that are under way, where a limit counts those at one time. This worker renews those of its
-- requests, and gives each back when its request ends (released_leases.lua). An exiting worker's timers stand still, so
-- it puts its leases into shared memory, where the worker that leads renews them. A killed worker's expire.
local connection = require("slipway.worker.connection")
local leader = require("slipway.worker.leader")
local process = require("slipway.worker.process")
local redis_health = require("slipway.limits.redis_health")
local released_leases = require("slipway.limits.released_leases")
local scripts = require("slipway.limits.scripts")
local settings = require("slipway.worker.settings")

local _M = {}

_M.LAST_S = released_leases.LAST_S

local RENEWED_EVERY_S = settings.limits_renewed_every_s or _M.LAST_S / 3
local AT_ONCE = 200
local TIMEOUT_S = 1
local LEFT = "lease|" -- .. request -> the exiting worker and the keys, one a line

local left_behind = ngx.shared.slipway_leases

local renewal -- the script
local held = {} -- request -> { keys, is_taken }

local function leave_behind(request, keys)
  local ok, err = left_behind:safe_set(LEFT .. request, process.instance() .. "\n" .. table.concat(keys, "\n"))
  if not ok then
    ngx.log(ngx.ERR, "ALARM: a lease ends before its request (", err, "): enlarge lua_shared_dict slipway_leases")
  end
end

-- Call it before a lease is asked for, with all keys where it may be: the client may leave before Redis has answered.
function _M.ask(request, keys)
  held[request] = { keys = keys, is_taken = false }
end

-- Redis has answered: there are leases at these keys, or nowhere.
function _M.hold(request, keys)
  held[request] = #keys > 0 and { keys = keys, is_taken = true } or nil
  if #keys > 0 and ngx.worker.exiting() then
    leave_behind(request, keys)
  end
end

-- Log phase, where nothing can wait for Redis.
function _M.release(request)
  local lease = held[request]
  if lease then
    held[request] = nil
    left_behind:delete(LEFT .. request)
    released_leases.add(request, lease.keys)
  end
end

-- Adds this worker's own leases to the list.
local function add_own(leases)
  for request, lease in pairs(held) do
    for _, key in ipairs(lease.is_taken and lease.keys or {}) do
      leases[#leases + 1] = { request = request, key = key }
    end
  end
end

-- Adds those that exiting workers left. What a dead one left is forgotten.
local function add_left_behind(leases)
  local is_alive = {}
  for _, name in ipairs(left_behind:get_keys(0)) do
    local request = name:sub(1, #LEFT) == LEFT and name:sub(#LEFT + 1)
    local instance, keys = (request and left_behind:get(name) or ""):match("^([^\n]+)\n(.+)$")
    if instance and is_alive[instance] == nil then
      is_alive[instance] = process.is_alive(instance)
    end
    if instance and not is_alive[instance] then
      left_behind:delete(name)
    elseif instance then
      for key in keys:gmatch("[^\n]+") do
        leases[#leases + 1] = { request = request, key = key, is_left_behind = true }
      end
    end
  end
end

local function has_ended(lease)
  if lease.is_left_behind then
    return not left_behind:get(LEFT .. lease.request)
  end
  return not held[lease.request]
end

local function renew_some(client, leases, first, last)
  local arguments, count = {}, last - first + 1
  arguments[count + 1] = string.format("%d", _M.LAST_S * 1000000)
  for i = 1, count do
    arguments[i], arguments[count + 1 + i] = leases[first + i - 1].key, leases[first + i - 1].request
  end
  local _, err = scripts.run(client, renewal, count, unpack(arguments, 1, 2 * count + 1))
  for i = first, last do
    if has_ended(leases[i]) then -- meanwhile, and the renewal may have come after its release
      released_leases.add(leases[i].request, { leases[i].key })
    end
  end
  return not err, err
end

local function renew_all(leases)
  local client, err = connection.open(TIMEOUT_S)
  if not client then
    return nil, err
  end
  for first = 1, #leases, AT_ONCE do
    local ok
    ok, err = renew_some(client, leases, first, math.min(first + AT_ONCE - 1, #leases))
    if not ok then
      client:close()
      return nil, err
    end
  end
  connection.keep(client)
  return true
end

local function leave_all_behind()
  for request, lease in pairs(held) do
    if lease.is_taken then
      leave_behind(request, lease.keys)
    end
  end
end

local function renew(premature)
  if premature then
    leave_all_behind()
  end
  local leases = {}
  add_own(leases)
  if leader.is_mine() then
    add_left_behind(leases)
  end
  if #leases == 0 or not redis_health.is_up() then
    return
  end
  local ok, err = renew_all(leases)
  if not ok then
    ngx.log(ngx.WARN, "leases of limits are not renewed: ", err)
  end
end

-- When a worker starts.
function _M.start()
  renewal = scripts.load("renew")
  assert(ngx.timer.every(RENEWED_EVERY_S, renew))
end

return _M
