-- Requests that an app is activated: once for an app and episode, however many edges and workers have requests that
-- wait for it (docs/reference/edge-protocol.md). An episode ends when one of those requests has a target.
local connection = require("slipway.worker.connection")
local settings = require("slipway.worker.settings")

local _M = {}

local shared = ngx.shared.slipway_waiting

local CHANNEL = "slipway:wake"
local ASKED_FOR_S = 30 -- then the next request asks again
local TIMEOUT_S = 2

local function asked_in_redis(app)
  return "slipway:wake:" .. app
end

local function ask(client, app)
  local is_first, err = client:set(asked_in_redis(app), settings.edge_id, "NX", "EX", ASKED_FOR_S)
  if is_first == "OK" then
    return client:publish(CHANNEL, app)
  end
  return is_first, err
end

local function forget(client, app)
  return client:del(asked_in_redis(app))
end

local function send(premature, command, app)
  if premature then
    return
  end
  local client, err = connection.open(TIMEOUT_S)
  local ok
  if client then
    ok, err = command(client, app)
    if ok then
      return connection.keep(client)
    end
    client:close()
  end
  if command == ask then
    shared:delete("asked " .. app) -- so that the next request asks
  end
  ngx.log(ngx.WARN, "the activation of app ", app, " can't be requested: ", err)
end

function _M.ask(app)
  if shared:add("asked " .. app, true, ASKED_FOR_S) then
    ngx.timer.at(0, send, ask, app)
  end
end

function _M.activated(app)
  if shared:get("asked " .. app) then
    shared:delete("asked " .. app)
    ngx.timer.at(0, send, forget, app)
  end
end

return _M
