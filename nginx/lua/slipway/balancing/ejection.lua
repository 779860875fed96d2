-- Passive ejection: a target that fails several times in a row gets no request for a while. After that one request,
-- over all workers, tries it (half_open.lua), and the others go to other targets until one succeeded.
local metrics = require("slipway.metrics.metrics")
local settings = require("slipway.worker.settings")
local failure_state = require("slipway.balancing.failure_state")

local _M = {}

local RESET_EVERY_S = 0.05
local OVERDUE_AFTER_S = settings.trial_timeout_s or 5 -- an app may get no request that is safe to try with

-- Claims a target whose pause ended long ago, for any request: an app that gets no request that could go on to another
-- target would never use it again.
local function claim_overdue(entry, target)
  local over_for_s = failure_state.over_for_s(target.failure_key)
  return over_for_s and over_for_s > OVERDUE_AFTER_S
    and failure_state.claim(target.failure_key, entry.read_s + 3 * entry.connect_s)
end

-- Returns the ids of targets that must not be chosen: `tried` itself when no target is ejected. Or nil and the target
-- that this request has to try.
function _M.avoided(entry, tried)
  if failure_state.are_none() or entry.ejection.failures <= 0 then
    return tried
  end
  local avoided
  for _, target in ipairs(entry.targets) do
    if failure_state.is_out(target.failure_key) then
      if not tried and claim_overdue(entry, target) then
        return nil, target
      end
      avoided = avoided or {}
      avoided[target.id] = true
    end
  end
  if not avoided then
    return tried
  end
  for id in pairs(tried or avoided) do
    avoided[id] = true
  end
  return avoided
end

-- `began_at_s`: when the request was sent; by default when it began.
function _M.failed(entry, target, began_at_s)
  if failure_state.fail(target.failure_key, entry.ejection, began_at_s or ngx.req.start_time()) then
    metrics.count("ejections", entry.app)
    ngx.log(ngx.WARN, "target ", target.id, " of app ", entry.app, " fails and gets no request for a while")
  end
end

-- Call it for a connection that was closed without a response. An app may close its kept connections all at once, and
-- each of them fails a request then: those count as one failure.
function _M.was_reset(entry, target)
  local now = ngx.now()
  if now - (target.reset_at_s or 0) >= RESET_EVERY_S then
    target.reset_at_s = now
    _M.failed(entry, target)
  end
end

function _M.succeeded(target)
  if failure_state.succeed(target.failure_key) then
    ngx.log(ngx.NOTICE, "target ", target.id, " answers again")
  end
end

return _M
