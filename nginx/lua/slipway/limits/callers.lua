-- Whose request it is, for limits. A token counts as a caller only when Redis knows it as one of the app's tenant
-- (take.lua): invented ones would be as many callers as somebody likes. Without such a token the address is the caller.
local client_address = require("slipway.request.client_address")
local resty_string = require("nginx.string")
local settings = require("slipway.worker.settings")
local sha256 = require("nginx.sha256")

local _M = {}

local LONGEST = 200
local SHOWN_BYTES = 9

-- The SHA-256 of the request's Slipway token, as Slipway keeps it; "" without one.
local function digest_of_token()
  local authorization = ngx.var.http_authorization
  if not authorization or #authorization > LONGEST then
    return ""
  end
  local token = authorization:match("^[Bb][Ee][Aa][Rr][Ee][Rr] +(slw_[%w_-]+)$")
  if not token then
    return ""
  end
  local digest = sha256:new()
  digest:update(token)
  return resty_string.to_hex(digest:final())
end

function _M.of_request()
  return { address = client_address.of_request(), token = digest_of_token() }
end

-- What the limit counts the caller's requests by, the same text as in take.lua; nil when it does not concern them.
-- `is_known`: Redis knows the token.
function _M.partition(caller, by, is_known)
  if by == "all" then
    return "all"
  end
  if is_known and by ~= "address" then
    return "token " .. caller.token
  end
  return by ~= "token" and caller.address or nil
end

-- The partition as clients see it: the same for the same caller, and nobody can find the caller by it.
function _M.opaque(partition)
  return ngx.encode_base64(ngx.hmac_sha1(settings.limits_secret, partition):sub(1, SHOWN_BYTES))
end

return _M
