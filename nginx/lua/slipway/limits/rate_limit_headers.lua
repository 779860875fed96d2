-- What a client learns of its limits: `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-11), and
-- `X-RateLimit-*` of the same limit. Limits that only report are not shown.
local callers = require("slipway.limits.callers")

local _M = {}

local SOON_S = 1 -- nobody knows when a request under way ends

-- One limit's state as clients see it: what `X-RateLimit-*` and `RateLimit` both say.
local function state_of(limit, outcome, i, caller)
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

-- What the headers say: the policies, and the limit that lets the fewest requests through from now on; nil when none is
-- shown. `violated` are the names of those that refuse, `retry_after_s` when none of them refuses any more.
function _M.describe(entry, caller, outcome)
  local policies, violated, strictest = {}, {}, nil
  for i, limit in ipairs(entry.limits) do
    if outcome.states[i] ~= "not concerned" and not limit.only_reports then
      local found = state_of(limit, outcome, i, caller)
      policies[#policies + 1] = limit.policy .. found.key
      violated[#violated + 1] = found.refuses and limit.name or nil
      strictest = strictest and not is_stricter(found, strictest) and strictest or found
    end
  end
  if not strictest then
    return nil
  end
  local all, begins = table.concat(policies, ", "), strictest.limit.quoted_name .. ";r="
  local most = tostring(strictest.limit.most)
  return {
    policies = all, begins = begins, key = strictest.key, most = most,
    lines_begin = "\r\nRateLimit-Policy: " .. all .. "\r\nX-RateLimit-Limit: " .. most .. "\r\nRateLimit: " .. begins,
    between_of_s = -1, between = "",
    left = strictest.left, reset_s = strictest.reset_s,
    retry_after = not outcome.passes and tostring(math.max(1, strictest.reset_s)) or nil,
  }, violated, math.max(1, strictest.reset_s)
end

-- Header filter. The names stand one after the other: LuaJIT compiles no loop over a table's names.
function _M.write(shown, left, reset_s)
  local header, left_text, reset = ngx.header, tostring(left), tostring(reset_s)
  header["RateLimit-Policy"] = shown.policies
  header["RateLimit"] = shown.begins .. left_text .. ";t=" .. reset .. shown.key
  header["X-RateLimit-Limit"] = shown.most
  header["X-RateLimit-Remaining"] = left_text
  header["X-RateLimit-Reset"] = reset
  if shown.retry_after then
    header["Retry-After"] = shown.retry_after
  end
end

return _M
