-- Which verdicts no longer stand, in shared memory: a version that grows with every change of somebody's identity, and
-- for each subject that changed lately the version of its change. A verdict has the version from before the router was
-- asked, and stands until one of its subjects has changed at a later one.
local shared_memory = require("slipway.worker.shared_memory")

local _M = {}

local state = ngx.shared.slipway_state
local changes = ngx.shared.slipway_identity

local VERSION, FLOOR = "identity version", "identity floor"
local KEPT_S = 120 -- longer than any verdict is used without a look at the version: they last 10 s, streams look often

-- What every request reads: a dictionary costs a lock and a search. No number is written twice, so that a request which
-- saw one sees that there is another now, also where two workers write theirs in the other order.
local shown = shared_memory.numbers("identity_version", 1)

function _M.now()
  return shown[0]
end

local function advance()
  local version = state:incr(VERSION, 1, 0)
  shown[0] = version
  return version
end

-- No verdict that there is stands any longer.
function _M.change_all()
  state:set(FLOOR, _M.now() + 1)
  local version = advance()
  state:set(FLOOR, version)
end

-- No verdict on this subject stands any longer. The subject's version is written first: a verdict that is asked for
-- between the two writes falls, too.
function _M.change(subject)
  local expected = _M.now() + 1
  local ok, err = changes:safe_set(subject, expected, KEPT_S)
  if not ok then
    ngx.log(ngx.ERR, "ALARM: all callers are asked about anew, a change does not fit into shared memory (", err,
      "): enlarge lua_shared_dict slipway_identity")
    return _M.change_all()
  end
  local version = advance()
  if version ~= expected then -- another worker led at the same moment
    changes:set(subject, version, KEPT_S)
  end
end

-- Whether one of the verdict's own subjects changed after it was asked for.
function _M.has_changed(verdict)
  for _, subject in ipairs(verdict.subjects) do
    if (changes:get(subject) or 0) > verdict.version then
      return true
    end
  end
  return false
end

-- Whether the verdict still stands. Mostly nothing changed since the last look, and one number says so.
function _M.stands(verdict)
  local version = _M.now()
  if verdict.seen_version == version then
    return true
  end
  if (state:get(FLOOR) or 0) > verdict.version or _M.has_changed(verdict) then
    return false
  end
  verdict.seen_version = version
  return true
end

return _M
