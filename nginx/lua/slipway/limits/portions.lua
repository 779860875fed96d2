-- Portions of limits. A worker that gets many requests of one caller asks Redis for some of them ahead: they are
-- reserved in all limits that concern the caller (reserve.lua), and requests take from them without asking Redis. A
-- timer reports what was used, asks for more as long as the caller goes on, and gives the rest back when it does not.
-- What a worker does not report counts as used when its portion ends. docs/decisions/0047 says why this is exact.
local callers = require("slipway.limits.callers")
local client_address = require("slipway.request.client_address")
local connection = require("slipway.worker.connection")
local metrics = require("slipway.metrics.metrics")
local process = require("slipway.worker.process")
local rate_limit_headers = require("slipway.limits.rate_limit_headers")
local redis_health = require("slipway.limits.redis_health")
local scripts = require("slipway.limits.scripts")
local settings = require("slipway.worker.settings")

local _M = {}

_M.LAST_S = settings.limits_portion_s or 0.25 -- for Redis, after its worker has asked last

local EVERY_S = settings.limits_portion_every_s or 0.05 -- the worker asks
local USED_FOR_S = 0.8 * _M.LAST_S
local OFTEN, OFTEN_WITHIN_S = 4, settings.limits_often_within_s or 0.1 -- so many requests in this time are often
local SELDOM = 2 -- fewer requests than this between two asks
local TURNS = 3 -- what is asked for would last so long: a turn may be late, and a caller quicker than before
local LITTLE = 8 -- left besides: then others may need what is unused
local RESTS = 10 -- asks: a caller near its limit is asked for ahead again after that
local AT_ONCE = 200
local STATE = "slipway:limits:state:"
local LAST_US = string.format("%d", _M.LAST_S * 1000000)

local script
local new, held = {}, {} -- this worker's portions: those that nobody has asked Redis for yet, and the others
local made = 0
local begins, goes_on = false, false -- a timer is set for the new ones; for the others, or it runs
local counts, counts_end_s = {}, 0 -- entry -> caller -> requests that were counted one by one lately

function _M.start()
  script = scripts.load("rate_debt", "reserve")
end

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
  return math.max(0, portion.left + portion.unused)
end

-- How many more requests the caller may need; "" when the portion is given up, with nothing unused from now on.
local function wanted_of(portion, sent, is_over)
  portion.usual = (portion.usual + sent) / 2
  local is_too_much = portion.unused > (TURNS + 1) * portion.usual + SELDOM
  if is_over or portion.is_resting or sent < SELDOM or is_too_much then
    return ""
  end
  return math.max(0, math.ceil(TURNS * portion.usual) + SELDOM - portion.unused)
end

local function arguments_of(portion, reserved, wanted)
  local arguments = { #portion.keys }
  for i, key in ipairs(portion.keys) do
    arguments[i + 1] = key
  end
  for _, value in ipairs({ portion.id, portion.used, reserved, wanted, LAST_US }) do
    arguments[#arguments + 1] = value
  end
  for _, i in ipairs(portion.concerned) do
    arguments[#arguments + 1] = portion.entry.limits[i].most
    arguments[#arguments + 1] = portion.entry.limits[i].period_us
  end
  return arguments
end

-- What Redis is asked for this portion; nil when it has nothing of it, and nothing is needed.
local function ask_for(portion, is_over)
  local sent, reserved = portion.used + portion.counted, portion.used + portion.unused
  local wanted = wanted_of(portion, sent, is_over)
  local arguments = (wanted ~= "" or reserved > 0) and arguments_of(portion, reserved, wanted) or nil
  if portion.used > 0 then
    metrics.count("limits_ahead", portion.entry.app, portion.used)
  end
  portion.rested = portion.is_resting and portion.rested + 1 or 0
  portion.is_over = is_over or sent < SELDOM and not portion.is_resting or portion.rested > RESTS
  portion.wanted, portion.asked_s = tonumber(wanted) or 0, ngx.now()
  portion.used, portion.counted = 0, 0
  portion.unused = wanted == "" and 0 or portion.unused
  return arguments
end

-- What the answer's headers say while the portion lasts. All its limits have the same number more unused, so that the
-- strictest stays the strictest.
local function describe(portion, reply)
  local outcome = { passes = true, token_is = callers.UNKNOWN, states = {}, left = {}, reset_s = {} }
  for i in ipairs(portion.entry.limits) do
    outcome.states[i] = "not concerned"
  end
  for number, i in ipairs(portion.concerned) do
    outcome.states[i], outcome.left[i] = "passes", reply[1 + 2 * number]
    outcome.reset_s[i] = reply[2 + 2 * number] / 1000000
  end
  portion.shown = rate_limit_headers.describe(portion.entry, portion.caller, outcome)
  portion.left = portion.shown.left
  portion.reset_at_s = ngx.now() + portion.shown.reset_s
end

local function note(portion, reply)
  local added, is_lost = reply[1], reply[2] == 1
  portion.unused = (is_lost and 0 or portion.unused) + added
  portion.ends_s = portion.asked_s + USED_FOR_S
  describe(portion, reply)
  portion.is_resting = portion.is_resting or added < portion.wanted or portion.left < LITTLE
end

local function forget(portion)
  portion.unused = 0
  local kind, name = kind_and_name(portion.caller)
  if portion.entry.portions[kind][name] == portion then
    portion.entry.portions[kind][name] = nil
  end
end

-- Asks for all of them in one round trip. What Redis does not confirm is void here, and counts as used there.
local function ask(portions, lists)
  local client, err = connection.open(redis_health.TIMEOUT_S)
  local replies
  if client then
    replies, err = scripts.run_all(client, script, lists)
  end
  if replies then
    connection.keep(client)
  elseif client then
    client:close()
  end
  for i, portion in ipairs(portions) do
    local reply = replies and replies[i] or { false, err }
    if reply[1] == false then
      portion.is_over = true
      redis_health.failed(reply[2])
    else
      note(portion, reply)
    end
  end
end

local function ask_for_all(all, is_over)
  local portions, lists = {}, {}
  for _, portion in ipairs(all) do
    local arguments = ask_for(portion, is_over)
    if arguments then
      portions[#portions + 1], lists[#lists + 1] = portion, arguments
    end
    if #portions == AT_ONCE then
      ask(portions, lists)
      portions, lists = {}, {}
    end
  end
  if #portions > 0 then
    ask(portions, lists)
  end
end

local function ask_safely(all)
  local ran, err = pcall(ask_for_all, all, ngx.worker.exiting())
  if not ran then
    ngx.log(ngx.ERR, "portions of limits are not renewed: ", err)
    for _, portion in ipairs(all) do
      portion.is_over = true
    end
  end
end

local function forget_those_over()
  local kept = {}
  for _, portion in ipairs(held) do
    if portion.is_over then
      forget(portion)
    else
      kept[#kept + 1] = portion
    end
  end
  held = kept
end

-- A timer that goes on while there are portions. nginx runs it at once when the worker begins to exit, and takes no
-- timer of a worker that exits.
local function turn()
  repeat
    ask_safely(held)
    forget_those_over()
    goes_on = #held > 0 and ngx.timer.at(EVERY_S, turn) ~= nil
  until goes_on or #held == 0
end

-- A timer that runs at once: the new ones do not wait for the others' turn.
local function ask_for_new()
  local asked = new
  new, begins = {}, false
  ask_safely(asked)
  for _, portion in ipairs(asked) do
    held[#held + 1] = portion
  end
  if not goes_on then
    goes_on = ngx.timer.at(EVERY_S, turn) ~= nil
    if not goes_on then
      turn()
    end
  end
end

local function begin(entry, caller, kind, name)
  local keys, concerned = keys_of(entry, caller)
  if #keys == 0 then
    return
  end
  made = made + 1
  local portion = {
    id = settings.edge_id .. "/" .. process.instance() .. "/" .. made, entry = entry, caller = caller, keys = keys,
    concerned = concerned, unused = 0, used = 0, counted = OFTEN, usual = OFTEN, left = 0, ends_s = 0, rested = 0,
  }
  entry.portions = entry.portions or { user = {}, address = {} }
  entry.portions[kind][name] = portion
  new[#new + 1] = portion
  begins = begins or ngx.timer.at(0, ask_for_new) ~= nil
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
