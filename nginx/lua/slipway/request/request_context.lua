-- What the edge knows of one request: the fields of ngx.ctx, all of which are described here.
--
-- Of every request:
--   entry            its route's entry (routes/entry.lua), as it was when the target was counted
--   limits_left      how many requests its caller has left, where it was counted ahead (limits/portions.lua)
--   target           the target that the request is counted for (balancing/inflight.lua)
--   streams          true for a WebSocket or an event stream, which may last for hours
--   is_http1         true when the rewrite phase has found that out
--   identity         what the router says of the caller (identity/verdict.lua), where the app's policies ask for one
--
-- Records, each made when it is first needed. A request that goes well has none of them, but `attempt` when its app has
-- targets on standby:
--   headers          what gates set (gates/headers.lua)          { of_request, of_response }
--   body             its share of the quotas (body_quota.lua)    { scopes, bytes, is_coming, most }
--   ticket           its place in the waiting room (waiting.lua) { number, turn, key, room, bytes }
--   flight           the router is asked for this request, and for others that wait (verdicts.lua)
--   limited          it was counted by limits (limit.lua)        { request, outcome, shown }
--                      or its caller's portion (limits/portions.lua)
--   slot             its slot (concurrency.lua)                  { app, host }
--   circuit_trial    it tries an open circuit (breaker.lua)      { entry, began_at_s }
--   half_open        it tries an ejected target (half_open.lua)  { key, target, sent_at_s }
--   attempt          what the attempts so far came to (attempts.lua)
--                      { tried, tries_left, is_repeated, is_judged, is_too_slow, was_connected, was_sent }
--   requeue          it was requeued (requeue.lua)
--                      { deadline, rounds, was_sent, circuit, connect_at, limited, credentials }
--   put_back         the same, from where it is requeued until it is resumed
--   response         the edge's own response (responses.lua)
--                      { code, page, is_malformed, violated, retry_after_s, who }
--   credentials      those of a requeued request (credentials.lua)
--
-- Of requests that take long (open_requests.lua): `noticed_s`, `unanswered_s`: since when; `is_cut_off`: its connection
-- was closed.
--
-- And two flags:
--   body_is_unread   nginx reads the body after the access phase (request_body.lua)
--   is_over          nginx has left this context for another location
--
-- nginx empties ngx.ctx when it leaves for an error page, and runs no log phase of the location that it left. So
-- contexts are also kept by the request's address, which stays the same, in the worker that has the request.
local ffi = require("ffi")
local base = require("resty.core.base")
local new_table = require("table.new")

local _M = {}

local contexts = {}

local function address()
  return (tonumber(ffi.cast("uintptr_t", base.get_request())))
end

-- The context of a request in its first phase. nginx' Lua module makes one with room for four fields, which has to be
-- enlarged for a fifth: a request that limits count has more.
function _M.begin(entry)
  if not entry or not entry.limits then
    return ngx.ctx
  end
  local ctx = new_table(0, 8)
  ngx.ctx = ctx
  return ctx
end

function _M.remember(ctx)
  contexts[address()] = ctx
end

-- The context that was remembered last, or nil. It is forgotten with that.
function _M.forget()
  local key = address()
  local ctx = contexts[key]
  contexts[key] = nil
  return ctx
end

-- Every request of this worker: its address and its context, for a loop that waits for nothing.
function _M.all()
  return pairs(contexts)
end

function _M.at(request_address)
  return contexts[request_address]
end

-- The record of that name, made when there is none.
function _M.record(ctx, name)
  local found = ctx[name]
  if not found then
    found = {}
    ctx[name] = found
  end
  return found
end

return _M
