-- The edge's own responses. No error_page makes them: it would drop ngx.ctx. nginx makes its error response, and the
-- filters replace it. An app's response passes unchanged, also a 5xx.
local compression = require("slipway.responses.compression")
local cookies = require("slipway.request.cookies")
local failure_state = require("slipway.balancing.failure_state")
local failures = require("slipway.responses.failures")
local headers = require("slipway.gates.headers")
local hop_by_hop = require("slipway.responses.hop_by_hop")
local pages = require("slipway.responses.pages")
local request_context = require("slipway.request.request_context")
local tried_request = require("slipway.request.tried_request")

local _M = {}

-- Access phase: ends the request with this failure.
function _M.refuse(code)
  local described = failures.described(code)
  request_context.record(ngx.ctx, "response").code = described
  return ngx.exit(failures.BY_CODE[described].status)
end

-- The same where the failure's status would lead back to where this is called.
function _M.refuse_here(code)
  local described = failures.described(code)
  request_context.record(ngx.ctx, "response").code = described
  ngx.status = failures.BY_CODE[described].status
  ngx.print("")
  return ngx.exit(ngx.HTTP_OK)
end

-- The last attempt's header time is a number when a response came from upstream.
local function is_from_upstream()
  local times = ngx.var.upstream_header_time
  return times ~= nil and times:find("%d$") ~= nil
end

-- Whether the last attempt got a connection. If nothing gave up before another one, nginx notes how long that took, or
-- "-".
local function was_connected(ctx)
  local attempt = ctx.attempt
  if attempt and attempt.was_connected ~= nil then
    return attempt.was_connected
  end
  local times = ngx.var.upstream_connect_time
  return times ~= nil and times:find("%d$") ~= nil
end

-- The code of a failure that nginx found.
local function code_of(ctx)
  local code = failures.code_of(ngx.status, ctx.entry ~= nil)
  return code == "replica-slow" and not was_connected(ctx) and "replica-unreachable" or code
end

-- Whether nginx took an app's response for HTTP/0.9, since it is no HTTP: then nginx sends no head. HTTP/2 has its own.
local function lacks_head()
  return ngx.req.http_version() == 0.9 and ngx.var.server_protocol:find("HTTP/1", 1, true) == 1
end

local function with_head(ctx, page, content_type)
  return table.concat({
    "HTTP/1.1 ", ngx.status, " Bad Gateway\r\nContent-Type: ", content_type, "\r\nContent-Length: ", #page,
    "\r\nConnection: close\r\nCache-Control: no-store\r\nX-Request-Id: ", ngx.var.slipway_request_id,
    headers.response_text(ctx), "\r\n\r\n",
    ngx.req.get_method() == "HEAD" and "" or page,
  })
end

local function write(ctx)
  if ctx.attempt and ctx.attempt.is_too_slow and ngx.status == 502 then
    ngx.status = 504 -- the balancer ended the request, and can only say 502
  end
  local entry, response = ctx.entry, request_context.record(ctx, "response")
  local code = response.code or (response.is_malformed and "broken-answer") or code_of(ctx)
  local row = failures.BY_CODE[code]
  if response.code then
    ngx.status = row.status -- the balancer may have found it, and can only say 502
  end
  ngx.var.slipway_fault = row.fault
  local names = { host = ngx.var.host, app = entry and entry.name or "",
    connect_s = entry and entry.connect_s, read_s = entry and entry.read_s,
    violated = response.violated and table.concat(response.violated, ", "), retry_after_s = response.retry_after_s,
    who = response.who }
  local page, content_type =
    pages.render(row, code, ngx.status, names, ngx.var.slipway_request_id, ngx.var.http_accept,
      response.violated)
  response.page = response.is_malformed and lacks_head() and with_head(ctx, page, content_type) or page
  local header = ngx.header
  header.Content_Type = content_type
  header.Content_Length = #page
  header.Cache_Control = "no-store"
  header.Retry_After = row.retry_after_s
end

-- Header filter of the platform's own services, and of nginx's own responses.
function _M.header()
  if ngx.status >= 400 and (ngx.ctx.response or not is_from_upstream()) then
    write(ngx.ctx)
  end
end

-- What nginx would pass on without a head that the rules here apply to: an interim response (1xx), which it takes for
-- the final one; a switch to a protocol that was not asked for; and what is no HTTP, which has no status.
local function is_malformed(status)
  return status < 200 and (status ~= 101 or not ngx.var.http_upgrade)
end

-- Header filter, of apps.
function _M.header_app()
  cookies.guard()
  local status, ctx = ngx.status, ngx.ctx
  if status < 200 then
    if is_malformed(status) then
      request_context.record(ctx, "response").is_malformed = true
      ngx.header.Content_Encoding = nil
      return ngx.exit(502) -- comes here again
    end
    failure_state.succeed(ctx.target.failure_key) -- a WebSocket may not end for hours
  end
  hop_by_hop.drop(ctx, status)
  if status == 200 or status == 404 or status == 403 then -- nginx compresses no other
    compression.guard(ctx.entry)
  end
  _M.header()
  if ctx.headers or ctx.limited then
    headers.write_response(ctx, ctx.is_http1)
  end
  if ctx.is_tried then
    tried_request.write(ctx)
  end
end

-- Log phase: nginx has the status 000, which is no number in JSON, for a malformed stream of HTTP/2 that it reset.
function _M.settle()
  local status = ngx.status
  if status == 0 then
    status = 400
    ngx.status = status
  end
  return status
end

-- Body filter: writes the page once, in place of whatever nginx wrote. nginx calls it for every piece of every
-- response.
function _M.body()
  if ngx.status < 400 then
    return
  end
  local response = ngx.ctx.response
  local page = response and response.page
  if page then
    ngx.arg[1], ngx.arg[2] = page, true
    response.page = ""
  end
end

return _M
