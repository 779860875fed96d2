-- How many request bodies may come in at one time, and how many bytes of them may lie on this host's disk: of all apps
-- together, of one app, and of one client. The platform's own services have a share that apps can't fill.
local settings = require("slipway.settings")
local tally = require("slipway.tally")

local _M = {}

local counts = tally.new(ngx.shared.slipway_bodies)

_M.BYTES = settings.bodies_bytes or 4 * 2 ^ 30
local MOST = settings.bodies_most or { all = 4096, app = 1024, client = 128, own = 1024 }
local SHARE = { all = 1, app = 1 / 2, client = 1 / 4, own = 1 / 4 }
local FAILURE = { all = "bodies-full", app = "app-bodies-full", client = "client-bodies-full", own = "bodies-full" }

-- Whoever has IPv6 has a network of 64 bits to choose addresses from.
local function client()
  local address = ngx.var.binary_remote_addr
  if #address ~= 16 then
    return ngx.var.remote_addr
  end
  return (address:sub(1, 8):gsub(".", function(byte)
    return ("%02x"):format(byte:byte())
  end))
end

-- `app` is nil for the platform's own services.
local function scopes_of(app)
  local scopes = { { kind = "client", name = "client " .. client() } }
  if not app then
    scopes[2] = { kind = "own", name = "own" }
    return scopes
  end
  scopes[2] = { kind = "app", name = "app " .. app }
  scopes[3] = { kind = "all", name = "all" }
  return scopes
end

-- Adds to every scope; or to none, and returns the code of the scope that is full. What one request alone has is
-- never too much for a share: its own limit bounds it.
local function add(scopes, what, amount, own, most)
  for i, scope in ipairs(scopes) do
    local name = what .. scope.name
    counts:add(name, amount)
    local total = counts:total(name)
    if total > most(scope.kind) and total > own then
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

-- A body begins to come. Returns nil, or a failure's code; then nothing is counted.
function _M.enter(ctx, app)
  local scopes = scopes_of(app)
  local failure = add(scopes, "bodies ", 1, 0, most_bodies)
  if not failure then
    ctx.body = { scopes = scopes, bytes = 0, is_coming = true }
  end
  return failure
end

-- The body has, or will have, so many bytes in all. Returns nil, or a failure's code.
function _M.hold(ctx, bytes)
  local body = ctx.body
  local more = bytes - body.bytes
  if more == 0 then
    return nil
  end
  local failure = add(body.scopes, "bytes ", more, bytes, more > 0 and most_bytes or function()
    return math.huge
  end)
  if not failure then
    body.bytes = bytes
  end
  return failure
end

-- The body is there. Its bytes count until `release`.
function _M.arrived(ctx)
  local body = ctx.body
  if body.is_coming then
    body.is_coming = false
    for _, scope in ipairs(body.scopes) do
      counts:add("bodies " .. scope.name, -1)
    end
  end
end

-- Log phase: whatever the request still has.
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
