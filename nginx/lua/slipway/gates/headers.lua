-- Headers that gates set. An app gets its own after the client's were taken out, so that no client can write them; a
-- client gets its own with whatever response it gets, the app's or the edge's.
local add_header = require("ngx.resp").add_header
local limit_lines = require("slipway.limits.limit_lines")
local rate_limit_headers = require("slipway.limits.rate_limit_headers")
local response_headers = require("slipway.responses.response_headers")

local _M = {}

local function record(ctx)
  local headers = ctx.headers
  if not headers then
    headers = { of_request = {}, of_response = {} }
    ctx.headers = headers
  end
  return headers
end

-- Sets a header of the request that the app gets; nil takes it out.
function _M.set_for_app(ctx, name, value)
  record(ctx).of_request[name] = value or ""
end

-- Sets a header of the response. Set-Cookie stands beside those of the app.
function _M.set_for_client(ctx, name, value)
  record(ctx).of_response[name] = value
end

-- Before the request goes to its target.
function _M.write_request(headers)
  for name, value in pairs(headers.of_request) do
    ngx.req.set_header(name, value ~= "" and value or nil)
  end
end

-- The same, of the request's caller, whom the access gate knows: who it is, and nothing that proves it to us. nginx'
-- Lua module compares a header that it sets with all others, byte by byte, so nginx.conf makes these of one variable.
function _M.write_identity(verdict)
  ngx.var.slipway_identity = verdict.lines
  if verdict.credentials.bearer then
    ngx.req.clear_header("Authorization")
  end
end

-- A request that was requeued has the variables of its attempt before.
function _M.forget_identity()
  ngx.var.slipway_identity = ""
end

-- What limits say of the request: how many requests its caller has left, and in how many seconds there is one more.
local function limits_of(ctx)
  local limited = ctx.limited
  local shown = limited and limited.shown
  if not shown then
    return nil
  elseif ctx.limits_left then -- a portion, which is some milliseconds old
    return shown, ctx.limits_left, math.max(1, math.ceil(limited.reset_at_s - ngx.now()))
  end
  return shown, shown.left, shown.reset_s
end

local function write_set_by_gates(headers)
  for name, value in pairs(headers.of_response) do
    if name:lower() == "set-cookie" then
      add_header(name, value)
    else
      ngx.header[name] = value
    end
  end
end

-- Whether the app's answer has headers of limits itself, which those of the edge replace. One after the other: see
-- worker/compiler.lua.
local function app_says_limits()
  local has = response_headers.has
  return has("RateLimit") or has("RateLimit-Policy") or has("X-RateLimit-Limit") or has("X-RateLimit-Remaining")
    or has("X-RateLimit-Reset")
end

-- nginx' Lua module compares a header that it sets with all others, byte by byte. So an answer that has none of these
-- yet gets them as one text, by a variable of nginx.conf; HTTP/2 has no text of headers.
local function write_limits(shown, left, reset_s, is_http1)
  if is_http1 and not shown.retry_after and not app_says_limits() then
    limit_lines.write(shown, left, reset_s)
  else
    rate_limit_headers.write(shown, left, reset_s)
  end
end

-- Header filter.
function _M.write_response(ctx, is_http1)
  if ctx.headers then
    write_set_by_gates(ctx.headers)
  end
  local shown, left, reset_s = limits_of(ctx)
  if shown then
    write_limits(shown, left, reset_s, is_http1)
  end
end

-- The same as they follow another header in a response, for one whose head nginx does not write.
function _M.response_text(ctx)
  local lines = {}
  for name, value in pairs(ctx.headers and ctx.headers.of_response or {}) do
    lines[#lines + 1] = "\r\n" .. name .. ": " .. value
  end
  local shown, left, reset_s = limits_of(ctx)
  lines[#lines + 1] = shown and limit_lines.text(shown, left, reset_s) or nil
  return table.concat(lines)
end

return _M
