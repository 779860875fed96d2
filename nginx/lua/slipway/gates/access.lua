-- Who may use an app, and how often: the one place that the access phase asks, before it reads a body or chooses a
-- target. A policy takes the entry and returns nil to admit, or a failure's code (slipway/responses/failures.lua).
local _M = {}

local function public()
  return nil
end

local POLICIES = { public = public }

-- Whether everybody may, without a question.
function _M.is_public(entry)
  return POLICIES[entry.access] == public
end

-- A policy that this edge doesn't know admits nobody.
function _M.refuses(entry)
  local policy = POLICIES[entry.access]
  if not policy then
    ngx.log(ngx.ERR, "the route of app ", entry.app, " has an unknown policy: ", entry.access)
    return "broken-route"
  end
  return policy(entry)
end

return _M
