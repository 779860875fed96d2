-- By what a request proves who calls: a bearer token, or the session's cookie. Of both a bearer token for Slipway
-- counts: it was added on purpose, and one that is not valid is not replaced by the cookie. A bearer token that is not
-- for Slipway is the app's own business: pages of an app in which somebody is signed in send such to the app.
local cjson = require("cjson.safe")
local digests = require("slipway.identity.digests")

local _M = {}

local SESSION = { http = "slipway-session", https = "__Host-slipway-session" } -- by the request's scheme
local LOGIN = { http = "slipway-login", https = "__Host-slipway-login" }
local COOKIE_VALUE, COOKIE_MOST = "^[%w_-]+$", 200
local AUDIENCE = "slipway-api" -- of Keycloak's access tokens for Slipway (keycloak/realm/slipway.json)
local BEARER_VALUE, BEARER_MOST = "^[%w._~+/-]+=*$", 8192

-- The value of the cookie with exactly this name; nil without it. One that comes twice counts as none: a neighbour's
-- host may have set the other one.
local function cookie(header, name)
  local found
  for pair in (header or ""):gmatch("[^;]+") do
    local key, value = pair:match("^%s*([^=]-)%s*=%s*(.-)%s*$")
    if key == name then
      if found then
        return nil
      end
      found = value
    end
  end
  return found and #found <= COOKIE_MOST and found:find(COOKIE_VALUE) and found or nil
end

local function has_audience(claims)
  local audience = type(claims) == "table" and claims.aud
  if type(audience) ~= "table" then
    return audience == AUDIENCE
  end
  for _, each in ipairs(audience) do
    if each == AUDIENCE then
      return true
    end
  end
  return false
end

-- Whether the token says that it is for Slipway: one of Slipway's own, or a JWT for its audience. Nobody has verified
-- it.
local function is_for_slipway(token)
  if token:sub(1, 4) == "slw_" then
    return true
  end
  local payload = token:match("^[%w_-]+%.([%w_-]+)%.[%w_-]+$")
  local text = payload and ngx.decode_base64(payload:gsub("-", "+"):gsub("_", "/") .. ("="):rep(-#payload % 4))
  return text ~= nil and has_audience(cjson.decode(text))
end

-- Whether the header has a bearer token, well-formed or not.
function _M.is_bearer(authorization)
  return authorization:find("^%s*[Bb][Ee][Aa][Rr][Ee][Rr]%f[^%w]") ~= nil
end

-- The credentials in these headers; nil without any:
--   bearer or cookie   the secret itself
--   is_malformed       it can't be one: nobody need be asked
--   header, room       the header it stands in, and which of them that is: "bearer", or the scheme of the cookie
--   rest               what an app gets of a cookie's header, where verdicts.lua has found that out
function _M.read(authorization, cookies, scheme)
  local value = cookies and cookie(cookies, SESSION[scheme])
  if authorization and _M.is_bearer(authorization) then
    local token = authorization:match("^%S+ +(%S+)$")
    local is_good = token ~= nil and #token <= BEARER_MOST and token:find(BEARER_VALUE) ~= nil
    if not value or is_good and is_for_slipway(token) then
      return { bearer = token or "", is_malformed = not is_good, header = authorization, room = "bearer" }
    end
  end
  return value and { cookie = value, header = cookies, room = scheme } or nil
end

function _M.of_request()
  return _M.read(ngx.var.http_authorization, ngx.var.http_cookie, ngx.var.slipway_proto)
end

-- What the browser has of a sign-in that is not finished; nil without one.
function _M.login_cookie()
  return cookie(ngx.var.http_cookie, LOGIN[ngx.var.slipway_proto])
end

-- Names the credentials without being them.
function _M.digest(credentials)
  return digests.of(credentials.bearer and "bearer " .. credentials.bearer or "cookie " .. credentials.cookie)
end

return _M
