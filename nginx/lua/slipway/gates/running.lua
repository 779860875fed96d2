-- Refuses requests to an app of which nothing is meant to serve; they have nothing to wait for.
local verdicts = require("slipway.gates.verdicts")

local _M = {}

function _M.check(_, entry)
  if entry.stopped then
    return verdicts.REFUSE, entry.stopped
  end
end

function _M.passes_at_once(_, entry)
  return not entry.stopped
end

return _M
