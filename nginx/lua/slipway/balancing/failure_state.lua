-- Failures in a row, of a target or an app, and the pause that follows too many. They are kept in shared memory; each
-- worker has a copy that a timer renews, so that a request costs a look at an empty table while nothing fails.
local _M = {}

local shared = ngx.shared.slipway_streaks

local EVERY_S = 0.05
local KEPT_S = 600 -- failures that no other follows are forgotten
local VERSION = "version"

local paused_until = {} -- key -> Unix seconds; 0: failing, not paused. This worker's copy
local is_quiet = true
local copied_version = 0

local function changed()
  shared:incr(VERSION, 1, 0)
end

local function keep(key, until_s)
  paused_until[key] = until_s
  is_quiet = next(paused_until) == nil
end

-- Only one of those that see the last failure at the same moment begins the pause, and none prolongs it.
local function pause(key, limit)
  local pauses = (shared:get("pauses " .. key) or 0) + 1
  local length_s = math.min(limit.pause_s * 2 ^ (pauses - 1), math.max(limit.pause_s, limit.most_s))
  if not shared:add("pause " .. key, true, length_s) then
    return false
  end
  local now_s, kept_s = ngx.now(), length_s + KEPT_S
  shared:set("pauses " .. key, pauses, kept_s)
  shared:set("since " .. key, now_s, kept_s)
  shared:set("until " .. key, now_s + length_s, kept_s)
  shared:set("failures " .. key, limit.failures - 1, kept_s) -- one more after the pause is enough
  shared:delete("trial " .. key)
  keep(key, now_s + length_s)
  return true
end

-- Counts one more failure, of a request that began at `began_at_s` (Unix seconds): one that began before the last pause
-- did is not counted. `limit`: `failures` in a row begin a pause of `pause_s`, twice as long each time, up to `most_s`.
-- Returns whether a pause began.
function _M.fail(key, limit, began_at_s)
  if limit.failures <= 0 or began_at_s < (shared:get("since " .. key) or 0) then
    return false
  end
  local failures, err = shared:incr("failures " .. key, 1, 0, KEPT_S)
  if not failures then
    ngx.log(ngx.ERR, "ALARM: failures are not counted (", err, "): enlarge lua_shared_dict slipway_streaks")
    return false
  end
  if not paused_until[key] then
    keep(key, 0)
  end
  local began = failures >= limit.failures and pause(key, limit)
  changed()
  return began
end

-- Forgets the failures in a row and ends their pause. Returns whether there was a pause.
function _M.succeed(key)
  if is_quiet or not paused_until[key] then
    return false
  end
  local was_paused = paused_until[key] > 0
  for _, what in ipairs({ "failures ", "pauses ", "since ", "pause ", "until ", "trial " }) do
    shared:delete(what .. key)
  end
  keep(key, nil)
  changed()
  return was_paused
end

-- True while there are no failures of any target or app.
function _M.are_none()
  return is_quiet
end

-- When the key's last pause ends or ended (Unix seconds); nil without one, and after a success. A pause that has ended
-- by this worker's copy is looked up: another worker may have begun the next, or seen a success.
function _M.paused_until(key)
  local until_s = paused_until[key]
  if not until_s or until_s == 0 then
    return nil
  end
  return until_s > ngx.now() and until_s or shared:get("until " .. key)
end

-- True from the first pause on, until a success.
function _M.is_out(key)
  local until_s = paused_until[key]
  return until_s ~= nil and until_s > 0
end

-- For how many seconds the key's pause has been over without a success since; nil while it lasts, and without one.
function _M.over_for_s(key)
  local until_s = paused_until[key]
  if not until_s or until_s == 0 or until_s > ngx.now() then
    return nil
  end
  return ngx.now() - until_s
end

-- Claims the one trial after a pause, over all workers. Returns whether the caller has it. The claim ends with a
-- success, a new pause, or `release`; after `most_s` at the latest, since a worker may be killed.
function _M.claim(key, most_s)
  if not shared:add("trial " .. key, true, most_s) then
    return false
  end
  local until_s = shared:get("until " .. key) -- this worker's copy may be old
  if until_s and until_s <= ngx.now() then
    return true
  end
  shared:delete("trial " .. key)
  keep(key, until_s or (shared:get("failures " .. key) and 0))
  return false
end

function _M.release(key)
  shared:delete("trial " .. key)
end

-- How many pauses the key had since the last success.
function _M.pause_count(key)
  return shared:get("pauses " .. key) or 0
end

-- Key -> when its pause ends, for all keys that any worker has paused.
function _M.pauses()
  local found = {}
  for _, name in ipairs(shared:get_keys(0)) do
    local key = name:match("^until (.+)$")
    if key then
      found[key] = shared:get(name)
    end
  end
  return found
end

local function copy()
  local found = {}
  for _, name in ipairs(shared:get_keys(0)) do
    local key = name:match("^failures (.+)$")
    if key then
      found[key] = shared:get("until " .. key) or 0
    end
  end
  paused_until = found
  is_quiet = next(found) == nil
end

local function tick(premature)
  local version = shared:get(VERSION) or 0
  if not premature and version ~= copied_version then
    copied_version = version
    copy()
  end
end

function _M.start()
  copied_version = -1
  tick(false)
  assert(ngx.timer.every(EVERY_S, tick))
end

return _M
