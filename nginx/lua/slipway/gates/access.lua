-- Who may use an app: what the policies of the request's path say (identity/access_paths.lua) of who calls
-- (identity/credentials.lua), as the router judges it (identity/verdicts.lua). docs/decisions/0029 says what an entry
-- means whose policies can't be understood.
local access_of = require("slipway.routes.access")
local access_paths = require("slipway.identity.access_paths")
local client_address = require("slipway.request.client_address")
local credentials_of = require("slipway.identity.credentials")
local headers = require("slipway.gates.headers")
local request_context = require("slipway.request.request_context")
local routes = require("slipway.routes.table")
local settings = require("slipway.worker.settings")
local sign_in = require("slipway.identity.sign_in")
local verdict_of = require("slipway.identity.verdict")
local verdicts = require("slipway.gates.verdicts")
local verdicts_of = require("slipway.identity.verdicts")
local versions = require("slipway.identity.versions")

local _M = {}

local CHALLENGE = 'Bearer realm="slipway"'
local CHALLENGE_OF_INVALID = CHALLENGE .. ', error="invalid_token"'
local LOGGED_EVERY_S = 10

local logged = ngx.shared.slipway_verdicts

-- What the request has to meet. Of most apps it is the same for every path.
local function required_of(access)
  return #access.rules == 0 and access.of_all or access_paths.required(access, ngx.var.request_uri)
end

local function refuse(ctx, code, who)
  request_context.record(ctx, "response").who = who
  return verdicts.REFUSE, code
end

local function log_unavailable(why)
  if why and logged:add("logged", true, LOGGED_EVERY_S) then
    ngx.log(ngx.ERR, "the router can't say who calls: ", why)
  end
end

local function send_to_sign_in(ctx)
  local location, cookie, why = sign_in.begin()
  if not location then
    log_unavailable(why)
    return verdicts.REFUSE, cookie
  end
  headers.set_for_client(ctx, "Set-Cookie", cookie)
  headers.set_for_client(ctx, "Cache-Control", "no-store")
  return verdicts.REDIRECT, location
end

-- Nobody is known to call. Who sent a bearer token is a program, also where it takes HTML.
local function refuse_unknown(ctx, required, credentials)
  local has_bearer = credentials ~= nil and credentials.bearer ~= nil
  if not has_bearer and required.may_sign_in and sign_in.is_possible() then
    return send_to_sign_in(ctx)
  end
  headers.set_for_client(ctx, "WWW-Authenticate", has_bearer and CHALLENGE_OF_INVALID or CHALLENGE)
  return verdicts.REFUSE, "sign-in-needed"
end

-- The verdict that this worker holds on the caller, where it is good and meets the policies; else nil.
local function held_verdict(access, required)
  local verdict = verdicts_of.cached(access)
  return verdict and verdict_of.meets(verdict, required) and verdict or nil
end

local function judge(ctx, entry, required, credentials)
  if not credentials or credentials.is_malformed then
    return refuse_unknown(ctx, required, credentials)
  end
  local verdict, why = verdicts_of.of(ctx, entry, credentials, {
    address = client_address.of_request(), request_id = ngx.var.slipway_request_id,
  })
  if not verdict then
    log_unavailable(why)
    return verdicts.REFUSE, "sign-on-unavailable"
  elseif not verdict.known then
    return refuse_unknown(ctx, required, credentials)
  elseif not verdict_of.meets(verdict, required) then
    return refuse(ctx, "not-allowed", "You are signed in as " .. verdict.user .. ", who is")
  end
  ctx.identity = verdict
end

-- Also after a redirect to a location, and for a requeued request: its headers no longer have its credentials, so no
-- verdict is found by them. Every request of an app with limits comes here, also where the worker holds its verdict.
function _M.check(ctx, entry)
  local access = entry.access
  ctx.identity = nil
  if access == "public" then
    return nil
  elseif type(access) ~= "table" then
    ngx.log(ngx.ERR, "the route of app ", entry.app, " has an unknown policy: ", access)
    return verdicts.REFUSE, "broken-route"
  end
  local required = required_of(access)
  if required.is_public then
    return nil
  elseif not settings.sign_on then
    return verdicts.REFUSE, "sign-on-off"
  elseif required.is_nobody then
    return refuse(ctx, "not-allowed", "You are")
  end
  ctx.identity = not ctx.credentials and held_verdict(access, required) or nil
  if not ctx.identity then
    return judge(ctx, entry, required, ctx.credentials or credentials_of.of_request())
  end
end

-- Mostly a public app, or a caller whose verdict this worker holds.
function _M.passes_at_once(ctx, entry)
  local access = entry.access
  if access == "public" then
    return true
  elseif type(access) ~= "table" then
    return false
  end
  local required = required_of(access)
  if required.is_public then
    return true
  elseif not settings.sign_on then
    return false
  end
  ctx.identity = held_verdict(access, required)
  return ctx.identity ~= nil
end

-- A gate of its own, asked once more before a target is chosen: the body may have taken long, or the request waited.
function _M.check_again(ctx, entry)
  local verdict = ctx.identity
  if not verdict or verdicts_of.still_holds(verdict) then
    return nil
  end
  ctx.identity = nil
  return judge(ctx, entry, required_of(entry.access), verdict.credentials)
end

-- Whether nothing is known to have changed about the caller since the request passed.
function _M.still_stands(ctx)
  return not ctx or not ctx.identity or versions.stands(ctx.identity)
end

-- The entry as it is now, for a request that was passed with `entry` some time ago; or nil and a failure's code. Where
-- the policies are others, or its caller has changed, the client has to come again, and is judged anew. Without `ctx`
-- the caller is not looked at: the gates that are asked again do that.
function _M.current_entry(entry, ctx)
  local current, failure = routes.entry(entry.host)
  if current and not (access_of.are_same(current.access, entry.access) and _M.still_stands(ctx)) then
    return nil, "service-unavailable"
  end
  return current, failure
end

-- Log phase: a question that the request asked for others, too, is theirs to ask now.
_M.release = verdicts_of.release

return _M
