-- Portions of limits. A worker that gets many requests of one caller asks Redis for some of them ahead: they are
-- reserved in all limits that concern the caller, and requests take from them without asking Redis. They are renewed as
-- long as the caller goes on (portion_renewal.lua). docs/decisions/0047 says why this is exact.
local callers = require("slipway.limits.callers")
local client_address = require("slipway.request.client_address")
local process = require("slipway.worker.process")
local renewal = require("slipway.limits.portion_renewal")
local settings = require("slipway.worker.settings")

local _M = {}

_M.LAST_S = renewal.LAST_S

local OFTEN, OFTEN_WITHIN_S = 4, settings.limits_often_within_s or 0.1 -- so many requests in this time are often
local STATE = "slipway:limits:state:"

local made = 0
local counts, counts_end_s = {}, 0 -- entry -> caller -> requests that were counted one by one lately

-- Whether all that limits the app are requests in a time, in force.
local function may_be_reserved(limits)
  for _, limit in ipairs(limits) do
    if limit.kind ~= "rate" or limit.only_reports then
      return false
    end
  end
  return true
end

local function keys_of(entry, caller)
  local keys, concerned = {}, {}
  for i, limit in ipairs(entry.limits) do
    local partition = callers.partition(caller, limit.by, callers.UNKNOWN)
    if partition then
      keys[#keys + 1], concerned[#concerned + 1] = STATE .. limit.id .. ":" .. partition, i
    end
  end
  return keys, concerned
end

local function kind_and_name(caller)
  if caller.user ~= "" then
    return "user", caller.user
  end
  return "address", caller.address
end

-- Takes one request of the caller from its portion; returns the portion, or nil when it has none. It waits for nothing.
-- `identity`: the verdict on the caller, if the gate of access asked for one.
function _M.take(entry, identity)
  local portions, portion = entry.portions, nil
  if not portions then
    return nil
  elseif not identity then
    portion = not ngx.var.http_authorization and portions.address[client_address.of_request()]
  elseif identity.kind == "person" then
    portion = portions.user[identity.id]
  end
  if not portion or portion.unused < 1 or portion.ends_s <= ngx.now() then
    return nil
  end
  portion.unused, portion.used = portion.unused - 1, portion.used + 1
  return portion
end

-- Puts back what was taken just now: nothing has waited since.
function _M.put_back(portion)
  portion.unused, portion.used = portion.unused + 1, portion.used - 1
end

-- How many requests the caller has left, after the last one that was taken.
function _M.left(portion)
  return (math.max(0, portion.left + portion.unused))
end

-- Of no other portion, over all edges, and in a form that a text of rate_debt.lua can have.
local function new_id()
  made = made + 1
  local edge = settings.edge_id:gsub("[^%w_.-]", function(byte)
    return ("%%%02x"):format(byte:byte())
  end)
  return edge .. "/" .. process.instance() .. "/" .. made
end

local function begin(entry, caller, kind, name)
  local keys, concerned = keys_of(entry, caller)
  if #keys == 0 then
    return
  end
  local portion = {
    id = new_id(), entry = entry, caller = caller, kind = kind, name = name, keys = keys, concerned = concerned,
    unused = 0, used = 0, counted = OFTEN, seen = 0, usual = OFTEN, left = 0, ends_s = 0, paused_turns = 0,
  }
  entry.portions = entry.portions or { user = {}, address = {} }
  entry.portions[kind][name] = portion
  renewal.add(portion)
end

local function count(entry, kind, name)
  if counts_end_s <= ngx.now() then
    counts, counts_end_s = {}, ngx.now() + OFTEN_WITHIN_S
  end
  local of_entry = counts[entry] or { user = {}, address = {} }
  counts[entry] = of_entry
  of_entry[kind][name] = (of_entry[kind][name] or 0) + 1
  return of_entry[kind][name]
end

-- A request of the caller was counted in Redis by itself. Whose requests come often gets a portion. `is_alone`: who
-- calls is known by its address alone, or is a person.
function _M.note(entry, caller, is_alone)
  if caller.token ~= "" or not is_alone or not may_be_reserved(entry.limits) or ngx.worker.exiting() then
    return
  end
  local kind, name = kind_and_name(caller)
  local portion = entry.portions and entry.portions[kind][name]
  if portion then
    portion.counted, portion.left = portion.counted + 1, portion.left - 1 -- unless Redis has said so already
  elseif count(entry, kind, name) >= OFTEN then
    begin(entry, caller, kind, name)
  end
end

return _M
