-- What a worker does when it starts and when it ends.
local ffi = require("ffi")
local chain = require("slipway.gates.chain")
local changes = require("slipway.identity.changes")
local counters = require("slipway.metrics.counters")
local route_sync = require("slipway.routes.route_sync")
local inflight = require("slipway.balancing.inflight")
local leases = require("slipway.limits.leases")
local loads = require("slipway.balancing.loads")
local open_requests = require("slipway.identity.open_requests")
local portion_renewal = require("slipway.limits.portion_renewal")
local process = require("slipway.worker.process")
local redis_counts = require("slipway.limits.redis_counts")
local reporter = require("slipway.worker.reporter")
local failure_state = require("slipway.balancing.failure_state")
local worker_counts = require("slipway.metrics.worker_counts")
local usage_stream = require("slipway.usage.usage_stream")
local settings = require("slipway.worker.settings")
local verdicts = require("slipway.identity.verdicts")

local _M = {}

local state = ngx.shared.slipway_state

local PR_SET_PDEATHSIG, SIGQUIT = 1, 3

-- A worker exits when its master dies. Otherwise it would keep the port, and the next edge could not start.
local function end_with_master()
  if ffi.C.prctl(PR_SET_PDEATHSIG, SIGQUIT, 0, 0, 0) ~= 0 then
    ngx.log(ngx.ERR, "this worker may outlive its master: prctl failed")
  end
end

function _M.start()
  end_with_master()
  process.hide_memory()
  process.note_master()
  math.randomseed(ngx.now() * 1000 + ngx.worker.pid())
  chain.start()
  counters.claim()
  inflight.start()
  worker_counts.start()
  failure_state.start()
  route_sync.start()
  reporter.start()
  leases.start()
  loads.start()
  redis_counts.start()
  portion_renewal.start()
  verdicts.start()
  changes.start()
  open_requests.start()
  usage_stream.start()
  if settings.certificates then
    require("slipway.tls.tickets").start()
    require("slipway.tls.counts").start()
  end
end

-- When a worker ends. Two that end at once may both see no other worker: only one of them closes.
function _M.stop()
  worker_counts.stop()
  if #worker_counts.look() == 0 and state:add("closed", true) then
    usage_stream.close()
  end
end

return _M
