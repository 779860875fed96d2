-- Who may use an app. A policy takes the request's context and the entry, and returns as a gate's `check` does
-- (gates.lua). docs/decisions/0029 says what an entry without a policy, or with an unknown one, means.
local routes = require("slipway.routes.table")
local verdicts = require("slipway.gates.verdicts")

local _M = {}

local function public()
  return nil
end

local POLICIES = { public = public }

-- A policy that this edge doesn't know admits nobody.
function _M.check(ctx, entry)
  local policy = POLICIES[entry.access]
  if not policy then
    ngx.log(ngx.ERR, "the route of app ", entry.app, " has an unknown policy: ", entry.access)
    return verdicts.REFUSE, "broken-route"
  end
  return policy(ctx, entry)
end

function _M.passes_at_once(_, entry)
  return POLICIES[entry.access] == public
end

-- The entry as it is now, for a request that was passed with `entry` some time ago; or nil and a failure's code. Where
-- the policy is another one the client has to come again, and is judged anew. Whatever else of an entry a new policy
-- judges by is to be compared here.
function _M.current_entry(entry)
  local current, failure = routes.entry(entry.host)
  if current and current.access ~= entry.access then
    return nil, "service-unavailable"
  end
  return current, failure
end

return _M
