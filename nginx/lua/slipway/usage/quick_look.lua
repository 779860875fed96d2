-- What was counted since the last look, in the totals that Redis has: while somebody watches figures, several times
-- between two looks. No record is made of it, and nothing is accounted for: the next look takes it all.
local all_series = require("slipway.metrics.series_registry")
local app_totals = require("slipway.usage.app_totals")
local connection = require("slipway.worker.connection")
local leader = require("slipway.worker.leader")
local metrics = require("slipway.metrics.metrics")
local replica_totals = require("slipway.usage.replica_totals")
local usage = require("slipway.usage.usage")

local _M = {}

local TIMEOUT_S = 2
local AT_ONCE = 200 -- series, then other requests get their turn
local YIELD_S = 0.001
local PAUSE_FACTOR = 20 -- a twentieth of this worker's time at most

local next_at_s = 0

-- Series that counted anything since the last look, and which of their apps counted more since the last quick one.
local function counted_since()
  local found, is_new = {}, {}
  for _, series in ipairs(all_series.all()) do
    local mark = metrics.mark(series)
    if mark ~= series.mark then
      found[#found + 1] = series
      if mark ~= series.quick_mark then
        series.quick_mark, is_new[series.app] = mark, true
        replica_totals.note_change(series)
      end
    end
  end
  return found, is_new
end

-- App -> what it used since the last look.
local function used_since(found, is_new)
  local used = {}
  for number, series in ipairs(found) do
    local change = is_new[series.app] and usage.uncounted(series)
    if change then
      used[series.app] = usage.sum(used[series.app], change)
    end
    if number % AT_ONCE == 0 then
      ngx.sleep(YIELD_S)
    end
  end
  return used
end

local function send(used)
  local client, err = connection.open(TIMEOUT_S)
  if not client then
    return nil, err
  end
  local replies
  replies, err = connection.transaction(client, function(queued)
    app_totals.queue(queued, used, {}, false)
    replica_totals.queue_changes(queued)
  end)
  if not replies then
    client:close()
    return nil, err
  end
  connection.keep(client)
  return true
end

-- Returns true, or nil and why Redis does not have it.
function _M.work()
  ngx.update_time()
  local began_s = ngx.now()
  if began_s < next_at_s then
    return true
  end
  local used = used_since(counted_since())
  local ok, err = true, nil
  if next(used) and leader.is_mine() then
    ok, err = send(used)
  end
  ngx.update_time()
  next_at_s = ngx.now() + PAUSE_FACTOR * (ngx.now() - began_s)
  return ok, err
end

return _M
