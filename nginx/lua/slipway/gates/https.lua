-- Sends requests without TLS on, where their host wants that, and refuses those on a connection for another host.
local https_policy = require("slipway.tls.https_policy")
local settings = require("slipway.worker.settings")
local verdicts = require("slipway.gates.verdicts")

local _M = {}

function _M.check()
  local failure, location = https_policy.judge()
  if failure then
    return verdicts.REFUSE, failure
  elseif location then
    return verdicts.REDIRECT, location
  end
end

function _M.passes_at_once()
  return _M.check() == nil
end

-- An edge without HTTPS pays nothing.
if not settings.certificates then
  function _M.passes_at_once()
    return true
  end
end

return _M
