-- Where a browser is sent whose user has to sign in. The router keeps what the browser wanted to see, and makes a
-- cookie by which it knows the browser again.
local client_address = require("slipway.request.client_address")
local cjson = require("cjson.safe")
local credentials = require("slipway.identity.credentials")
local router_client = require("slipway.identity.router_client")
local settings = require("slipway.worker.settings")

local _M = {}

local READS = { GET = true, HEAD = true }

-- Whether a person opens a page, who can be sent elsewhere to sign in: not what a page's script or a program asks.
function _M.is_possible()
  local mode, accept = ngx.var.http_sec_fetch_mode, ngx.var.http_accept
  if not READS[ngx.req.get_method()] or ngx.var.http_upgrade then
    return false
  end
  if mode then
    return mode == "navigate"
  end
  return accept ~= nil and accept:find("text/html", 1, true) ~= nil
end

local function is_one_line(value)
  return type(value) == "string" and not value:find("%c")
end

-- Only the console's own pages: whatever the router says, nobody is sent anywhere else.
local function is_ours(location)
  local beginning = settings.public_url:gsub("/+$", "") .. "/auth/"
  return location:sub(1, #beginning) == beginning
end

-- The same page over TLS, at the port where the console is. Nobody signs in without TLS where the console has it:
-- whoever listens would have the session.
local function over_tls()
  local port = settings.public_url:match("^https://[^/]-(:%d+)/?$") or ""
  return "https://" .. ngx.var.slipway_host:gsub(":%d*$", "") .. port .. ngx.var.request_uri
end

-- Returns the location and the cookie, if it takes one; or nil, a failure's code, and for the error log what went
-- wrong.
function _M.begin()
  if ngx.var.slipway_proto == "http" and settings.public_url:sub(1, 8) == "https://" then
    return over_tls()
  end
  local status, body = router_client.post("/internal/sign-in", {
    host = ngx.var.slipway_host, scheme = ngx.var.slipway_proto, target = ngx.var.request_uri,
    address = client_address.of_request(), browser = credentials.login_cookie() or cjson.null,
  })
  if status == 429 then
    return nil, "sign-in-busy"
  elseif status ~= 200 then
    return nil, "sign-on-unavailable", status and "it answers " .. status or body
  end
  local fields = cjson.decode(body)
  if type(fields) ~= "table" or not is_one_line(fields.location) or not is_one_line(fields.cookie)
    or not is_ours(fields.location) then
    return nil, "sign-on-unavailable", "where to sign in can't be understood"
  end
  return fields.location, fields.cookie
end

return _M
