-- Whose request it is, for limits. A token counts as a caller only when Redis knows it as one of the app's tenant
-- (take.lua): invented ones would be as many callers as somebody likes. Without such a token the address is the caller.
-- Where nobody can tell whether a token is real, limits by token count its caller by address: they would be open.
local client_address = require("slipway.request.client_address")
local resty_string = require("nginx.string")
local settings = require("slipway.worker.settings")
local sha256 = require("nginx.sha256")

local _M = {}

_M.UNKNOWN, _M.KNOWN, _M.UNCHECKED = 0, 1, 2 -- as take.lua says it

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
-- `token_is`: what Redis knows of the token; `UNCHECKED` when it can't be asked.
function _M.partition(caller, by, token_is)
  if by == "all" then
    return "all"
  end
  if token_is == _M.KNOWN and by ~= "address" then
    return "token " .. caller.token
  end
  if by == "token" and (token_is ~= _M.UNCHECKED or caller.token == "") then
    return nil
  end
  return caller.address
end

-- The partition as clients see it: the same for the same caller, and nobody can find the caller by it.
function _M.opaque(partition)
  return ngx.encode_base64(ngx.hmac_sha1(settings.limits_secret, partition):sub(1, SHOWN_BYTES))
end

return _M
