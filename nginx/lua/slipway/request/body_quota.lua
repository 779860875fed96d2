-- How many request bodies may come in at one time, and how many bytes of them may lie on this host's disk: of all apps
-- together, of one tenant, of one app, and of one client. The platform's own services have a share that apps can't
-- fill.
local client_address = require("slipway.request.client_address")
local settings = require("slipway.worker.settings")
local worker_counts = require("slipway.metrics.worker_counts")

local _M = {}

local counts = worker_counts.new(ngx.shared.slipway_bodies)

_M.BYTES = settings.bodies_bytes or 4 * 2 ^ 30
local MOST = settings.bodies_most or { all = 4096, tenant = 2048, app = 1024, client = 128, own = 1024 }
local SHARE = { all = 1, tenant = 1 / 2, app = 3 / 8, client = 1 / 4, own = 1 / 4 }
local FAILURE = {
  all = "bodies-full", tenant = "tenant-bodies-full", app = "app-bodies-full", client = "client-bodies-full",
  own = "bodies-full",
}
local ALONE_MAY_EXCEED = { client = true, own = true } -- a client's is bounded by the app's share, ours by nginx.conf

_M.MOST_OF_ONE = _M.BYTES * SHARE.app

-- `entry` is nil for the platform's own services.
local function scopes_of(entry)
  local scopes = { { kind = "client", name = "client " .. client_address.of_request() } }
  if not entry then
    scopes[2] = { kind = "own", name = "own" }
    return scopes
  end
  scopes[2] = { kind = "app", name = "app " .. entry.app }
  scopes[3] = { kind = "tenant", name = "tenant " .. entry.tenant }
  scopes[4] = { kind = "all", name = "all" }
  return scopes
end

-- Adds to every scope; or to none, and returns the code of the scope that is full. `own`: this request's part of it.
local function add(scopes, what, amount, own, most)
  for i, scope in ipairs(scopes) do
    local name = what .. scope.name
    counts:add(name, amount)
    local total = counts:total(name)
    if total > most(scope.kind) and not (ALONE_MAY_EXCEED[scope.kind] and total <= own) then
      for j = 1, i do
        counts:add(what .. scopes[j].name, -amount)
      end
      return FAILURE[scope.kind]
    end
  end
  return nil
end

local function most_bodies(kind)
  return MOST[kind]
end

local function most_bytes(kind)
  return _M.BYTES * SHARE[kind]
end

-- Counts a body that begins to come in. Returns nil; or a failure's code, and nothing is counted.
function _M.enter(ctx, entry)
  local scopes = scopes_of(entry)
  local failure = add(scopes, "bodies ", 1, 0, most_bodies)
  if not failure then
    ctx.body = { scopes = scopes, bytes = 0, is_coming = true, most = entry and _M.MOST_OF_ONE or math.huge }
  end
  return failure
end

-- Counts `bytes` for the whole body, which has them or will have them. Returns nil, or a failure's code.
function _M.hold(ctx, bytes)
  local body = ctx.body
  local more = bytes - body.bytes
  if more == 0 then
    return nil
  end
  if more > 0 and bytes > body.most then
    return "payload-too-large"
  end
  local failure = add(body.scopes, "bytes ", more, bytes, more > 0 and most_bytes or function()
    return math.huge
  end)
  if not failure then
    body.bytes = bytes
  end
  return failure
end

-- Ends the coming in of the body. Its bytes count until `release`.
function _M.arrived(ctx)
  local body = ctx.body
  if body.is_coming then
    body.is_coming = false
    for _, scope in ipairs(body.scopes) do
      counts:add("bodies " .. scope.name, -1)
    end
  end
end

-- Gives back whatever the request's body still counts.
function _M.release(ctx)
  if not ctx.body then
    return
  end
  _M.arrived(ctx)
  _M.hold(ctx, 0)
  ctx.body = nil
end

-- What is counted now, by name.
function _M.totals()
  return counts:totals()
end

return _M
