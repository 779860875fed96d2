-- The private listener's /status: what this edge holds and does, for doctor and tests.
local responses = require("slipway.responses.responses")
local body_quota = require("slipway.request.body_quota")
local changes = require("slipway.identity.changes")
local cjson = require("cjson.safe")
local inflight = require("slipway.balancing.inflight")
local loads = require("slipway.balancing.loads")
local leader = require("slipway.worker.leader")
local routes = require("slipway.routes.table")
local settings = require("slipway.worker.settings")
local failure_state = require("slipway.balancing.failure_state")
local worker_counts = require("slipway.metrics.worker_counts")
local waiting = require("slipway.gates.waiting")

local _M = {}

local state = ngx.shared.slipway_state

local function pid_of(instance)
  return instance and tonumber(instance:match("^%d+")) or cjson.null
end

local function pids()
  local found = {}
  for i, instance in ipairs(worker_counts.look()) do
    found[i] = pid_of(instance)
  end
  return found
end

-- Ready: every host that exists is known here.
function _M.ready()
  if not routes.is_complete() then
    return responses.refuse("edge-starting")
  end
  ngx.header.content_type = "text/plain"
  ngx.say("ready")
end

function _M.write()
  local epoch, generation = routes.held()
  local followed, position = changes.state()
  ngx.header.content_type = "application/json"
  ngx.say(cjson.encode({
    edge = settings.edge_id,
    epoch = epoch or cjson.null,
    generation = generation or cjson.null,
    synced = routes.is_complete(),
    routes = routes.count(),
    redis = state:get("redis") or "not tried yet",
    identity_changes = followed,
    identity_position = position or cjson.null,
    leader = pid_of(leader.holder()),
    workers = pids(),
    inflight = (inflight.totals()),
    loads = loads.all(),
    waiting = waiting.counts(),
    bodies = body_quota.totals(),
    pauses = failure_state.pauses(),
    free_bytes = { routes = ngx.shared.slipway_routes:free_space() },
  }))
end

return _M
