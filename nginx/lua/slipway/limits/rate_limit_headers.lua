-- What a client learns of its limits: `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-11), and
-- `X-RateLimit-*` of the same limit. Limits that only report are not shown.
local callers = require("slipway.limits.callers")

local _M = {}

local SOON_S = 1 -- nobody knows when a request under way ends

-- One limit's state as clients see it: what `X-RateLimit-*` and `RateLimit` both say.
local function shown(limit, outcome, i, caller)
  local left, reset_s = outcome.left[i], outcome.reset_s[i]
  if limit.kind == "at_once" and left == 0 then
    reset_s = SOON_S
  end
  local partition = callers.partition(caller, limit.by, outcome.token_is)
  return {
    limit = limit, left = left, reset_s = reset_s, refuses = outcome.states[i] == "refuses",
    key = limit.by ~= "all" and ";pk=:" .. callers.opaque(partition) .. ":" or "",
  }
end

local function is_stricter(one, other)
  if one.refuses ~= other.refuses then
    return one.refuses
  end
  if one.left ~= other.left then
    return one.left < other.left
  end
  return one.reset_s > other.reset_s
end

-- The limit that lets the fewest requests through from now on, and the values of the headers; nil when none is shown.
-- `violated` are the names of those that refuse, `retry_after_s` when none of them refuses any more.
function _M.describe(entry, caller, outcome)
  local policies, violated, strictest = {}, {}, nil
  for i, limit in ipairs(entry.limits) do
    if outcome.states[i] ~= "not concerned" and not limit.only_reports then
      local found = shown(limit, outcome, i, caller)
      policies[#policies + 1] = limit.policy .. found.key
      violated[#violated + 1] = found.refuses and limit.name or nil
      strictest = strictest and not is_stricter(found, strictest) and strictest or found
    end
  end
  if not strictest then
    return nil
  end
  return {
    ["RateLimit-Policy"] = table.concat(policies, ", "),
    ["RateLimit"] = strictest.limit.quoted_name .. ";r=" .. strictest.left .. ";t=" .. strictest.reset_s
      .. strictest.key,
    ["X-RateLimit-Limit"] = tostring(strictest.limit.most),
    ["X-RateLimit-Remaining"] = tostring(strictest.left),
    ["X-RateLimit-Reset"] = tostring(strictest.reset_s),
    ["Retry-After"] = not outcome.passes and tostring(math.max(1, strictest.reset_s)) or nil,
  }, violated, math.max(1, strictest.reset_s)
end

return _M
