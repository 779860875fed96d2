-- The access phase of an app's request, from the host to a counted target.
local answers = require("slipway.answers")
local attempts = require("slipway.attempts")
local bodies = require("slipway.bodies")
local cookies = require("slipway.cookies")
local policy = require("slipway.policy")
local routes = require("slipway.routes")

local _M = {}

local function is_stream()
  if ngx.var.http_upgrade then
    return true
  end
  local accept = ngx.var.http_accept
  return accept ~= nil and accept:find("text/event-stream", 1, true) ~= nil
end

function _M.admit()
  local host = ngx.var.host
  local entry, failure = routes.entry(host)
  if not entry then
    return answers.refuse(failure)
  end
  ngx.var.slipway_app = entry.app
  local ctx = ngx.ctx
  ctx.entry = entry
  failure = policy.refuses(entry) or bodies.receive(entry)
  if failure then
    return answers.refuse(failure)
  end
  cookies.withhold()
  ctx.streams = is_stream()
  failure = attempts.choose(ctx, host)
  if failure then
    return answers.refuse(failure)
  end
end

return _M
