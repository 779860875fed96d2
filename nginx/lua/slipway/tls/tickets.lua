-- Keys of session tickets: made here, in memory alone, the same for all workers, and replaced every hour. The one
-- before opens tickets for as long again, so each ticket lives as long as a session may (ssl_session_timeout).
local clienthello = require("ngx.ssl.clienthello")
local openssl = require("slipway.tls.openssl")
local leader = require("slipway.worker.leader")
local settings = require("slipway.worker.settings")

local _M = {}

local shared = ngx.shared.slipway_tickets

local EVERY_S = settings.ticket_key_s or 3600
local LOOK_EVERY_S = 1
local KEY_BYTES, NAME_BYTES = 80, 16 -- of OpenSSL: a name, which stands in each ticket, and two secrets
local SESSION_TICKET, PRE_SHARED_KEY = 35, 41 -- extensions of a client's hello: up to TLS 1.2, and TLS 1.3

-- Makes a key now.
function _M.replace()
  local before = shared:get("keys") or openssl.random(KEY_BYTES)
  shared:set("keys", openssl.random(KEY_BYTES) .. before:sub(1, KEY_BYTES))
end

-- Makes a key when one is due. Whoever adds the mark does it, also where two processes look at the same moment.
function _M.rotate()
  if shared:add("made", true, EVERY_S) then
    _M.replace()
  end
  return true
end

-- When a worker starts.
function _M.start()
  leader.every(LOOK_EVERY_S, { name = "replacing the keys of session tickets", work = _M.rotate })
end

local seen, current, previous, previous_name

local function read()
  local keys = shared:get("keys")
  if keys ~= seen then
    seen = keys
    current, previous = keys:sub(1, KEY_BYTES), keys:sub(KEY_BYTES + 1)
    previous_name = previous:sub(1, NAME_BYTES)
  end
end

-- The name of the key that the client's ticket was sealed with: its first bytes. nil when the client has none.
local function key_name()
  local offered = clienthello.get_client_hello_ext(PRE_SHARED_KEY)
  if offered then
    return offered:sub(5, 4 + NAME_BYTES) -- after the lengths of all identities and of the first
  end
  local ticket = clienthello.get_client_hello_ext(SESSION_TICKET)
  return ticket and ticket ~= "" and ticket:sub(1, NAME_BYTES) or nil
end

-- Client hello: OpenSSL opens the client's ticket right after this, with the key that is set now. A ticket that is
-- sealed while another connection has the key of before set, is sealed with that one and falls with it.
function _M.choose_key(ssl)
  read()
  return openssl.set_ticket_keys(ssl, key_name() == previous_name and previous or current)
end

return _M
