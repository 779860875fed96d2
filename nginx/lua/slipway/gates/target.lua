-- The last gate: chooses the target that the request goes to, and counts the request for it.
local attempts = require("slipway.request.attempts")
local half_open = require("slipway.balancing.half_open")
local verdicts = require("slipway.gates.verdicts")

local _M = {}

function _M.check(ctx, entry)
  local failure = (ctx.half_open and half_open or attempts).choose(ctx, entry)
  if failure then
    return failure == "no-ready-replica" and verdicts.WAIT or verdicts.REFUSE, failure
  end
end

_M.passes_at_once = attempts.choose_at_once

return _M
