-- Who may use an app, and how often: the one place that the access phase asks, before it reads a body or chooses a
-- target. A policy takes the entry and returns nil to admit, or a failure's code (slipway/failures.lua).
local _M = {}

local function public()
  return nil
end

local POLICIES = { public = public }

function _M.refuses(entry)
  return (POLICIES[entry.access or "public"])(entry)
end

return _M
