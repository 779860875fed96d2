-- Passive ejection: a target that fails several times in a row gets no request for a while, longer each time.
local metrics = require("slipway.metrics")
local streaks = require("slipway.streaks")

local _M = {}

local RESET_EVERY_S = 0.05

-- Ids out of the question: `tried` itself when no target is ejected.
function _M.avoided(targets, tried)
  if streaks.are_none() then
    return tried
  end
  local avoided
  for _, target in ipairs(targets) do
    if streaks.is_paused(target.streak) then
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

function _M.failed(entry, target)
  if streaks.fail(target.streak, entry.ejection) then
    metrics.count("ejections", entry.app)
    ngx.log(ngx.WARN, "target ", target.id, " of app ", entry.app, " fails and gets no request for a while")
  end
end

-- A connection that was closed without an answer. An app may close its kept connections all at once, and every one of
-- them fails a request then: those count as one.
function _M.was_reset(entry, target)
  local now = ngx.now()
  if now - (target.reset_at_s or 0) >= RESET_EVERY_S then
    target.reset_at_s = now
    _M.failed(entry, target)
  end
end

function _M.succeeded(target)
  if streaks.succeed(target.streak) then
    ngx.log(ngx.NOTICE, "target ", target.id, " answers again")
  end
end

return _M
