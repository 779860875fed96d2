-- Whose request it is, for limits. A person counts by who they are where the gate of access had to find that out. A
-- token counts as a caller only when Redis knows it as one of the app's tenant (take.lua): invented ones would be as
-- many callers as somebody likes. Without either the address is the caller. Where nobody can tell whether a token is
-- real, limits by token count its caller by address: they would be open.
local client_address = require("slipway.request.client_address")
local digests = require("slipway.identity.digests")
local lrucache = require("resty.lrucache")
local settings = require("slipway.worker.settings")

local _M = {}

_M.UNKNOWN, _M.KNOWN, _M.UNCHECKED = 0, 1, 2 -- as take.lua says it

local LONGEST = 200
local SHOWN_BYTES = 9
local OPAQUE_MOST = 4096

local opaque_names = assert(lrucache.new(OPAQUE_MOST)) -- partition -> what clients see of it

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
  return digests.of(token)
end

-- `identity`: the verdict on the caller, if the gate of access asked for one (identity/verdict.lua).
function _M.of_request(identity)
  local user = identity and identity.kind == "person" and identity.id or ""
  return { address = client_address.of_request(), token = user == "" and digest_of_token() or "", user = user }
end

-- What the limit counts the caller's requests by, the same text as in take.lua; nil when it does not concern them.
-- `token_is`: what Redis knows of the token; `UNCHECKED` when it can't be asked.
function _M.partition(caller, by, token_is)
  if by == "all" then
    return "all"
  end
  if caller.user ~= "" and (by == "caller" or by == "user") then
    return "user " .. caller.user
  end
  if by == "user" then
    return nil
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
  local name = opaque_names:get(partition)
  if not name then
    name = ngx.encode_base64(ngx.hmac_sha1(settings.limits_secret, partition):sub(1, SHOWN_BYTES))
    opaque_names:set(partition, name)
  end
  return name
end

return _M
