-- What a worker does when it starts.
local ffi = require("ffi")
local counters = require("slipway.counters")
local follower = require("slipway.follower")
local inflight = require("slipway.inflight")
local loads = require("slipway.loads")
local process = require("slipway.process")
local reporter = require("slipway.reporter")
local streaks = require("slipway.streaks")
local tally = require("slipway.tally")
local usage_stream = require("slipway.usage_stream")

local _M = {}

local state = ngx.shared.slipway_state

local PR_SET_PDEATHSIG, SIGQUIT = 1, 3

ffi.cdef("int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d);")

-- Without its master a worker would keep the port, and the next edge could not start: it finishes what it has and ends.
local function end_with_master()
  if ffi.C.prctl(PR_SET_PDEATHSIG, SIGQUIT, 0, 0, 0) ~= 0 then
    ngx.log(ngx.ERR, "this worker may outlive its master: prctl failed")
  end
end

function _M.start()
  end_with_master()
  process.note_master()
  math.randomseed(ngx.now() * 1000 + ngx.worker.pid())
  counters.claim()
  inflight.start()
  tally.start()
  streaks.start()
  follower.start()
  reporter.start()
  loads.start()
  usage_stream.start()
end

-- A worker ends. Two that end at once may both find themselves the last: one of them closes.
function _M.stop()
  tally.stop()
  if #tally.look() == 0 and state:add("closed", true) then
    usage_stream.close()
  end
end

return _M
