-- Both ways of an app's request from its host to a counted target: the rewrite phase, where that is possible at once,
-- or the access phase. The gates decide on either (gates/gates.lua).
local attempts = require("slipway.request.attempts")
local body_quota = require("slipway.request.body_quota")
local chain = require("slipway.gates.chain")
local client_headers = require("slipway.request.client_headers")
local cookies = require("slipway.request.cookies")
local half_open = require("slipway.balancing.half_open")
local headers = require("slipway.gates.headers")
local https_policy = require("slipway.tls.https_policy")
local protocol = require("slipway.request.protocol")
local request_body = require("slipway.request.request_body")
local request_context = require("slipway.request.request_context")
local requeue = require("slipway.request.requeue")
local responses = require("slipway.responses.responses")
local routes = require("slipway.routes.table")
local settings = require("slipway.worker.settings")
local tried_request = require("slipway.request.tried_request")
local verdicts = require("slipway.gates.verdicts")

local _M = {}

-- The request as its app gets it. `cookies_left`: what is left of its cookies, where that has been found out.
local function rewrite(ctx, cookies_left)
  local tried = client_headers.drop()
  if tried then
    ctx.is_tried = tried_request.is_asked_by_router(tried)
  end
  cookies.withhold(cookies_left)
  if ctx.headers then
    headers.write_request(ctx.headers)
  end
  if ctx.identity then
    headers.write_identity(ctx.identity)
  elseif ctx.requeue then
    headers.forget_identity()
  end
end

-- Rewrite phase, where nothing can wait: the app's id when every gate passes the request at once. Else "", and the
-- access phase asks the gates. The target gate looks whether the entry still stands.
function _M.rewrite_app()
  if ngx.var.slipway_bare ~= "1" then
    return ""
  end
  local entry = routes.last_read(ngx.var.host)
  local ctx = request_context.begin(entry)
  if not chain.passes_at_once(ctx, entry) then
    chain.undo(ctx)
    return ""
  end
  request_context.remember(ctx)
  rewrite(ctx, ctx.identity and ctx.identity.credentials.rest)
  return entry.app
end

-- A location is entered with an empty ngx.ctx, and no log phase follows here.
local function redirect(ctx, where)
  if where:byte() == 64 then -- "@"
    chain.release(ctx)
    return ngx.exec(where)
  end
  return ngx.redirect(where, ctx.redirect_status or ngx.HTTP_MOVED_TEMPORARILY)
end

-- Access phase.
function _M.access_app()
  local ctx = ngx.ctx
  ctx.headers = nil -- gates that were asked in the rewrite phase set theirs again
  request_context.remember(ctx)
  local verdict, detail = chain.check(ctx)
  if not verdict then
    return rewrite(ctx)
  end
  if verdict == verdicts.REDIRECT then
    return redirect(ctx, detail)
  end
  return responses.refuse(detail)
end

-- Access phase of the location @trial.
function _M.access_trial()
  half_open.begin()
  return _M.access_app()
end

-- Access phase of the platform's own services: only TLS and the body are looked at.
function _M.access_console()
  local refusal, location = https_policy.judge()
  if refusal then
    return responses.refuse(refusal)
  elseif location then
    return ngx.exec(location)
  end
  local failed, code = protocol.check(ngx.ctx)
  if failed then
    return responses.refuse(code)
  end
  return _M.access_webhook()
end

-- The same for deliveries, which are sent on to no other address: who sends them does not follow.
function _M.access_webhook()
  client_headers.drop_for_console()
  local failure = request_body.receive_own(ngx.ctx)
  if failure then
    return responses.refuse(failure)
  end
end

-- Access phase of the platform's own pages on an app's host.
function _M.access_slipway_page()
  local entry, failure = routes.entry(ngx.var.host)
  if not entry or not settings.sign_on then
    return responses.refuse(failure or "not-found")
  end
  return _M.access_console()
end

-- Log phase of the platform's own services.
function _M.log_console()
  body_quota.release(ngx.ctx)
  responses.settle()
end

-- Gives back whatever an attempt had taken that nginx ended for an error page. Returns its context; nil without one.
local function give_back(current)
  local ctx = request_context.forget()
  if not ctx or ctx == current then
    return nil
  end
  if ctx.target then
    attempts.finish(ctx)
    ctx.target = nil
  end
  chain.release(ctx)
  ctx.is_over = true
  return ctx
end

-- Access phase of the location @requeued, where requests come that reached no target, or failed in the edge itself.
function _M.access_requeued()
  local ctx = ngx.ctx
  local before = give_back(ctx)
  if not requeue.resume(ctx, before) then
    ctx.headers, ctx.limited, ctx.limits_left = before and before.headers, before and before.limited,
      before and before.limits_left
    return responses.refuse_here("internal")
  end
  return _M.access_app()
end

-- Log phase.
function _M.release(ctx)
  give_back(ctx)
  chain.release(ctx)
end

return _M
