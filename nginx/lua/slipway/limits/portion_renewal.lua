-- Asks Redis for the portions of this worker (portions.lua, reserve.lua): a timer reports what was used, asks for more
-- as long as callers go on, and gives the rest back when they do not. What a worker does not report counts as used when
-- its portion ends.
local callers = require("slipway.limits.callers")
local connection = require("slipway.worker.connection")
local metrics = require("slipway.metrics.metrics")
local rate_limit_headers = require("slipway.limits.rate_limit_headers")
local redis_health = require("slipway.limits.redis_health")
local scripts = require("slipway.limits.scripts")
local settings = require("slipway.worker.settings")

local _M = {}

_M.LAST_S = settings.limits_portion_s or 0.25 -- for Redis, after its worker has asked last

local EVERY_S = settings.limits_portion_every_s or 0.05 -- a turn, at which the worker asks
local USED_FOR_S = 0.8 * _M.LAST_S
local SELDOM = 2 -- fewer requests than this in a turn
local TURNS = 3 -- what is asked for would last so long: a turn may be late, and a caller quicker than before
local WAITS_WITH = 1.5 -- turns' requests unused: then nothing is asked at this turn
local LITTLE = 8 -- left besides: then others may need what is unused
local PAUSE_TURNS = 10 -- turns: a caller near its limit is asked for ahead again after that
local AT_ONCE = 50 -- Redis does nothing else meanwhile
local GIVES_UP = "-"
local US = 1000000
local LAST_US = string.format("%d", _M.LAST_S * US)

local script
local new, held = {}, {} -- this worker's portions: those that nobody has asked Redis for yet, and the others
local begins, goes_on = false, false -- a timer is set for the new ones; for the others, or it runs

function _M.start()
  script = scripts.load("rate_debt", "reserve")
end

-- Whether nothing need be asked at this turn: the caller goes on, and has enough for the next one.
local function may_wait(portion, sent)
  return not portion.has_waited and not portion.is_paused and sent >= SELDOM
    and portion.unused >= WAITS_WITH * portion.usual + SELDOM
end

-- How many more requests the caller may need; "-" when the portion is given up, with nothing unused from now on.
local function wanted_of(portion, sent, is_over)
  local is_too_much = portion.unused > (TURNS + 1) * portion.usual + SELDOM
  if is_over or portion.is_paused or sent < SELDOM or is_too_much then
    return GIVES_UP
  end
  return math.max(0, math.ceil(TURNS * portion.usual) + SELDOM - portion.unused)
end

-- What reserve.lua is asked by. What it says of the limits stays the same while the portion lasts.
local function text_of(portion, reserved, wanted)
  if not portion.text_ends then
    portion.text_ends = ""
    for _, i in ipairs(portion.concerned) do
      local limit = portion.entry.limits[i]
      portion.text_ends = portion.text_ends .. " " .. limit.most .. " " .. limit.period_us
    end
  end
  return portion.id .. " " .. portion.used .. " " .. reserved .. " " .. wanted .. portion.text_ends
end

-- What Redis is asked for this portion; nil when nothing is.
local function ask_for(portion, is_over)
  local sent, reserved = portion.used + portion.counted - portion.seen, portion.used + portion.unused
  portion.usual = (portion.usual + sent) / 2
  portion.has_waited = not is_over and may_wait(portion, sent)
  if portion.has_waited then
    portion.seen = portion.used + portion.counted
    return nil
  end
  local wanted = wanted_of(portion, sent, is_over)
  local text = (wanted ~= GIVES_UP or reserved > 0) and text_of(portion, reserved, wanted) or nil
  if portion.used > 0 then
    metrics.count("limits_ahead", portion.entry.app, portion.used)
  end
  portion.paused_turns = portion.is_paused and portion.paused_turns + 1 or 0
  portion.is_over = is_over or sent < SELDOM and not portion.is_paused or portion.paused_turns > PAUSE_TURNS
  portion.wanted, portion.asked_s = tonumber(wanted) or 0, ngx.now()
  portion.used, portion.counted, portion.seen = 0, 0, 0
  portion.unused = wanted == GIVES_UP and 0 or portion.unused
  return text
end

local function outcome_of(portion, reply)
  local outcome = { passes = true, token_is = callers.UNKNOWN, states = {}, left = {}, reset_s = {} }
  for i in ipairs(portion.entry.limits) do
    outcome.states[i] = "not concerned"
  end
  for number, i in ipairs(portion.concerned) do
    outcome.states[i], outcome.left[i] = "passes", reply[1 + 2 * number]
    outcome.reset_s[i] = reply[2 + 2 * number] / US
  end
  return outcome
end

-- What the answer's headers say while the portion lasts. All its limits have the same number more unused, so that the
-- strictest stays the strictest.
local function describe(portion, reply)
  local left, reset_s = reply[3], reply[4] / US
  if not portion.shown or #portion.concerned > 1 then
    portion.shown = rate_limit_headers.describe(portion.entry, portion.caller, outcome_of(portion, reply))
    left, reset_s = portion.shown.left, portion.shown.reset_s
  end
  -- Redis may have answered before it counted these: less than is left is said, never more.
  portion.left, portion.reset_at_s = left - portion.counted, ngx.now() + reset_s
end

local function note(portion, reply)
  local added, is_lost = reply[1], reply[2] == 1
  portion.unused = (is_lost and 0 or portion.unused) + added
  portion.ends_s = portion.asked_s + USED_FOR_S
  describe(portion, reply)
  portion.is_paused = portion.is_paused or added < portion.wanted or portion.left < LITTLE
end

local function forget(portion)
  portion.unused = 0
  local portions = portion.entry.portions[portion.kind]
  if portions[portion.name] == portion then
    portions[portion.name] = nil
  end
end

local function numbers_of(text)
  local numbers = {}
  for number in text:gmatch("%d+") do
    numbers[#numbers + 1] = tonumber(number)
  end
  return numbers
end

-- Runs reserve.lua for all of them.
local function run(client, portions, texts)
  local arguments, keys = {}, 0
  for _, portion in ipairs(portions) do
    for _, key in ipairs(portion.keys) do
      keys = keys + 1
      arguments[keys] = key
    end
  end
  arguments[keys + 1] = LAST_US
  for i, text in ipairs(texts) do
    arguments[keys + 1 + i] = text
  end
  return scripts.run(client, script, keys, unpack(arguments))
end

-- Asks for all of them in one round trip. What Redis does not confirm is void here, and counts as used there.
local function ask(portions, texts)
  local client, err = connection.open(redis_health.TIMEOUT_S)
  local reply
  if client then
    reply, err = run(client, portions, texts)
  end
  if reply then
    connection.keep(client)
  elseif client then
    client:close()
  end
  local next_reply = (reply or ""):gmatch("[^|]+")
  for _, portion in ipairs(portions) do
    if reply then
      note(portion, numbers_of(next_reply()))
    else
      portion.is_over = true
      redis_health.failed(err)
    end
  end
end

local function ask_for_all(all, is_over)
  local portions, texts = {}, {}
  for _, portion in ipairs(all) do
    local text = ask_for(portion, is_over)
    if text then
      portions[#portions + 1], texts[#texts + 1] = portion, text
    end
    if #portions == AT_ONCE then
      ask(portions, texts)
      portions, texts = {}, {}
    end
  end
  if #portions > 0 then
    ask(portions, texts)
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

-- A caller has begun to send often. What a portion has:
--   id, entry, caller       whose it is
--   kind, name              where it is in the entry's portions
--   keys, concerned         what its caller used of each limit that concerns it, and those limits' places in the entry
--   unused, used            requests that nobody has taken yet, and those taken since Redis was asked last
--   counted                 requests of the caller that were counted one by one since then
--   seen                    of both, those before this turn
--   usual                   how many come in a turn
--   left, reset_at_s        what is left besides it, and when there is one more, of the strictest limit
--   shown                   what answers say of it (rate_limit_headers.lua)
--   asked_s, ends_s         when Redis was asked last, and until when requests are taken
--   wanted                  how many more were asked for
--   text_ends               what of the text for reserve.lua stays the same
--   has_waited              nothing was asked at the last turn
--   is_paused, paused_turns      little is left: nothing is asked for, for so many turns by now
--   is_over                 it is forgotten at the end of this turn
function _M.add(portion)
  new[#new + 1] = portion
  begins = begins or ngx.timer.at(0, ask_for_new) ~= nil
end

return _M
