-- Requests that are already at their app when something about their caller changes: WebSockets, event streams, and all
-- others that take long. Each worker looks at its own every 0.3 s. Where a verdict no longer stands the router is asked
-- anew, and who may do less than before is cut off. So is everybody where the app's policies are others now: who comes
-- again is judged by those.
local access = require("slipway.routes.access")
local client_socket = require("slipway.identity.client_socket")
local request_context = require("slipway.request.request_context")
local routes = require("slipway.routes.table")
local verdict_of = require("slipway.identity.verdict")
local verdicts = require("slipway.identity.verdicts")
local versions = require("slipway.identity.versions")

local _M = {}

local EVERY_S = 0.3
local LONG_S = 2 -- a request that is no stream is left alone for so long
local UNANSWERED_S = 10 -- while the router can't say who calls; nobody changed that is known
local AT_ONCE, IN_A_LOOK = 16, 256
local NOBODY = { address = "", request_id = "" }
local EXITS_WITHIN_S = 3700 -- longer than nginx.conf lets open streams finish

local function has_other_policies(ctx)
  local current = routes.entry(ctx.entry.host)
  return current ~= nil and not access.are_same(current.access, ctx.entry.access)
end

local function is_due(ctx, now_s)
  local verdict = ctx.identity
  return verdict and (not versions.stands(verdict) or now_s >= verdict.expires_at_s) or has_other_policies(ctx)
end

local function is_long(ctx, now_s)
  ctx.noticed_s = ctx.noticed_s or now_s
  return ctx.streams or now_s - ctx.noticed_s >= LONG_S
end

-- The requests to look at now: { address, ctx }. Those of callers who changed come first.
function _M.due(now_s)
  local changed, others = {}, {}
  for address, ctx in request_context.all() do
    if ctx.target and not ctx.is_cut_off and is_long(ctx, now_s) and is_due(ctx, now_s) then
      local list = ctx.identity and versions.has_changed(ctx.identity) and changed or others
      list[#list + 1] = { address = address, ctx = ctx }
    end
  end
  for _, found in ipairs(others) do
    changed[#changed + 1] = found
  end
  return changed
end

-- Whether the caller of an open request may go on. While the router can't say it, a caller who changed may not.
function _M.may_go_on(ctx, now_s)
  if not ctx.identity or has_other_policies(ctx) then
    return false
  end
  local before = ctx.identity
  local verdict = verdicts.of({}, ctx.entry, before.credentials, NOBODY)
  if verdict then
    ctx.identity, ctx.unanswered_s = verdict.known and verdict or before, nil
    return verdict.known and verdict_of.allows_as_much(verdict, before)
  end
  ctx.unanswered_s = ctx.unanswered_s or now_s
  return not versions.has_changed(before) and now_s < before.expires_at_s and now_s - ctx.unanswered_s < UNANSWERED_S
end

local function look_at(found)
  local ctx = found.ctx
  if _M.may_go_on(ctx, ngx.now()) or request_context.at(found.address) ~= ctx then
    return
  end
  ctx.is_cut_off = true
  client_socket.close(found.address)
end

local function look()
  local due = _M.due(ngx.now())
  for first = 1, math.min(#due, IN_A_LOOK), AT_ONCE do
    local threads = {}
    for i = first, math.min(first + AT_ONCE - 1, #due) do
      threads[#threads + 1] = ngx.thread.spawn(look_at, due[i])
    end
    for _, thread in ipairs(threads) do
      ngx.thread.wait(thread)
    end
  end
end

local is_busy = false

local function look_once()
  if is_busy then
    return
  end
  is_busy = true
  local ok, err = pcall(look)
  is_busy = false
  if not ok then
    ngx.log(ngx.ERR, "open requests can't be looked at: ", err)
  end
end

local function has_open_requests()
  for _, ctx in request_context.all() do
    if ctx.target then
      return true
    end
  end
  return false
end

-- An exiting worker, after a reload, runs its timers once more and then no longer, while its open requests go on.
local function look_until_all_ended()
  local ends_s = ngx.now() + EXITS_WITHIN_S
  while has_open_requests() and ngx.now() < ends_s do
    look_once()
    ngx.sleep(EVERY_S)
  end
end

local function tick(premature)
  if premature then
    return look_until_all_ended()
  end
  return look_once()
end

-- When a worker starts.
function _M.start()
  assert(ngx.timer.every(EVERY_S, tick))
end

return _M
