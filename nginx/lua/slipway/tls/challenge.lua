-- /.well-known/acme-challenge/<token>: what an authority asks before it issues a certificate. The answer is in Redis
-- while somebody waits for it, and is for one host alone. No app is asked for such a path, so none can answer it.
local connection = require("slipway.worker.connection")
local responses = require("slipway.responses.responses")

local _M = {}

local KEY = "slipway:acme:challenges:"
local TIMEOUT_S = 1
local MOST_BYTES = 1024 -- of host and answer
local MOST_AT_ONCE = 64 -- of a worker, so that a flood keeps no more connections to Redis

local under_way = 0

local function token_of(path)
  local token = path:match("^/%.well%-known/acme%-challenge/([%w_-]+)$")
  return token and #token >= 16 and #token <= 128 and token or nil
end

-- What is in Redis for this token, "" when nothing is; or nil and why not.
local function read(token)
  local client, err = connection.open(TIMEOUT_S)
  if not client then
    return nil, err
  end
  local value
  value, err = client:getrange(KEY .. token, 0, MOST_BYTES - 1)
  if not value then
    client:close()
    return nil, err
  end
  connection.keep(client)
  return value
end

local function read_bounded(token)
  if under_way >= MOST_AT_ONCE then
    return nil, "too many are asked for at once"
  end
  under_way = under_way + 1
  local ran, value, err = pcall(read, token)
  under_way = under_way - 1
  return ran and value or nil, ran and err or value
end

-- The host as the answer has it: an IPv6 address without its brackets.
local function host()
  return (ngx.var.host:gsub("^%[(.*)%]$", "%1"))
end

-- Content phase.
function _M.answer()
  local method = ngx.req.get_method()
  if method ~= "GET" and method ~= "HEAD" then
    ngx.header.Allow = "GET, HEAD"
    return ngx.exit(ngx.HTTP_NOT_ALLOWED)
  end
  local token = token_of(ngx.var.uri)
  if not token then
    return responses.refuse("not-found")
  end
  local value, err = read_bounded(token)
  if not value then
    ngx.log(ngx.WARN, "a challenge can't be answered: ", err)
    return responses.refuse("service-unavailable")
  end
  local wanted, answer = value:match("^(%S+) (%S+)$")
  if wanted ~= host() then
    return responses.refuse("not-found")
  end
  ngx.header.content_type = "application/octet-stream"
  ngx.header["X-Content-Type-Options"] = "nosniff"
  ngx.header.Cache_Control = "no-store"
  ngx.header.content_length = #answer
  if method == "GET" then
    ngx.print(answer)
  end
end

return _M
