-- Asks the router on its internal socket: HTTP/1.1 with JSON, over kept connections, bounded in time and size.
local cjson = require("cjson.safe")
local settings = require("slipway.worker.settings")

local _M = {}

_M.TIMEOUT_S = settings.router_timeout_s or 8 -- longer than the router waits for Keycloak to renew a session
local HEAD_MOST, BODY_MOST = 8 * 1024, 64 * 1024
local IDLE_MS, POOL = 10000, 32 -- of a worker; the router keeps its own end for longer
local LEAST_MS = 1

-- What stands in an answer that has come so far: its status, its body's length, whether the connection may be kept, and
-- where the body begins. Nil when the head is not complete yet; nil and why when it can't be understood.
function _M.parse_head(text)
  local ends_at, body_at = text:find("\r\n\r\n", 1, true)
  if not ends_at then
    return nil, #text > HEAD_MOST and "the head of its answer is too large" or nil
  end
  local head = text:sub(1, ends_at + 1)
  local status = tonumber(head:match("^HTTP/1%.1 (%d%d%d)[ \r]"))
  local length, is_kept
  for name, value in head:gmatch("\n([%w-]+):[ \t]*([^\r\n]-)[ \t]*\r") do
    name = name:lower()
    if name == "content-length" then
      length = length == nil and value:find("^%d+$") ~= nil and tonumber(value)
    elseif name == "connection" then
      is_kept = value:lower() ~= "close"
    end
  end
  if not status or not length then
    return nil, "its answer is no HTTP with a length"
  elseif length > BODY_MOST then
    return nil, "its answer is too large"
  end
  return { status = status, length = length, is_kept = is_kept ~= false, body_at = body_at + 1 }
end

local function left_ms(ends_s)
  ngx.update_time()
  return (ends_s - ngx.now()) * 1000
end

-- Returns the answer's head and body; or nil, the error, and whether nothing of it had come.
local function receive(socket, ends_s)
  local text, head, why = "", nil, nil
  repeat
    local ms = left_ms(ends_s)
    if ms < LEAST_MS then
      return nil, "timeout", false
    end
    socket:settimeout(ms)
    local more, err = socket:receiveany(BODY_MOST)
    if not more then
      return nil, err, text == "" and err ~= "timeout"
    end
    text = text .. more
    if not head then
      head, why = _M.parse_head(text)
    end
  until why or head and #text >= head.body_at - 1 + head.length
  if why then
    return nil, why, false
  end
  head.is_kept = head.is_kept and #text == head.body_at - 1 + head.length
  return head, text:sub(head.body_at, head.body_at - 1 + head.length)
end

-- One exchange. Returns status and body; or nil, the error, and whether a kept connection was found closed.
local function exchange(request, ends_s)
  local socket = ngx.socket.tcp()
  socket:settimeout(math.max(LEAST_MS, left_ms(ends_s)))
  local ok, err = socket:connect("unix:" .. settings.router_internal_socket)
  if not ok then
    return nil, err
  end
  local is_reused = socket:getreusedtimes() > 0
  ok, err = socket:send(request)
  local head, body, is_closed
  if ok then
    head, body, is_closed = receive(socket, ends_s)
  else
    body, is_closed = err, true
  end
  if not head then
    socket:close()
    return nil, body, is_reused and is_closed
  end
  if not head.is_kept or not socket:setkeepalive(IDLE_MS, POOL) then
    socket:close()
  end
  return head.status, body
end

-- Sends the document; returns the answer's status and body, or nil and why there is none. The router may close a kept
-- connection just when it is used: then the question goes out on another one.
function _M.post(path, document)
  local body = cjson.encode(document)
  local request = table.concat({
    "POST ", path, " HTTP/1.1\r\nHost: router\r\nContent-Type: application/json\r\nContent-Length: ", #body, "\r\n\r\n",
    body,
  })
  ngx.update_time()
  local ends_s = ngx.now() + _M.TIMEOUT_S
  local status, answer, is_stale
  repeat
    status, answer, is_stale = exchange(request, ends_s)
  until not is_stale or ngx.now() >= ends_s
  return status, answer
end

return _M
