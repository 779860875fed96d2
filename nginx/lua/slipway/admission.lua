-- The access phase of an app's request, from the host to a counted target.
local answers = require("slipway.answers")
local attempts = require("slipway.attempts")
local bodies = require("slipway.bodies")
local cookies = require("slipway.cookies")
local policy = require("slipway.policy")
local routes = require("slipway.routes")

local _M = {}

local FIRST_READ_PATIENCE_S, LOOK_EVERY_S = 3, 0.02

-- A new edge holds no table for a moment: a request waits for the first full read rather than being sent away.
local function after_first_read(host)
  local deadline = ngx.now() + FIRST_READ_PATIENCE_S
  local entry, failure
  repeat
    ngx.sleep(LOOK_EVERY_S)
    entry, failure = routes.entry(host)
  until failure ~= "edge-starting" or ngx.now() >= deadline
  return entry, failure
end

-- The loop stands apart: every request comes here, and a function with a loop in it is not inlined when compiled.
local function entry_of(host)
  local entry, failure = routes.entry(host)
  if failure == "edge-starting" then
    return after_first_read(host)
  end
  return entry, failure
end

local function is_stream()
  if ngx.var.http_upgrade then
    return true
  end
  local accept = ngx.var.http_accept
  return accept ~= nil and accept:find("text/event-stream", 1, true) ~= nil
end

function _M.admit()
  local host = ngx.var.host
  local entry, failure = entry_of(host)
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
