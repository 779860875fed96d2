-- Requests and open connections under way, by target: two numbers in each worker's row of the series, behind those that
-- only grow. So a killed worker's counts are dropped, and an exiting worker's still count. Streams (WebSockets,
-- server-sent events) are counted as requests, and once more by themselves: they may last much longer.
local counters = require("slipway.metrics.counters")
local all_series = require("slipway.metrics.series")

local _M = {}

local REQUESTS, STREAMS = 14, 15 -- rows of histograms mostly have zeros there, which `totals` skips at once

-- Clears the counts of a killed worker, whose rows this worker has now.
function _M.start()
  for _, series in ipairs(all_series.all()) do
    local row = counters.own(all_series.place(series))
    if row then
      row[REQUESTS], row[STREAMS] = 0, 0
    end
  end
end

function _M.add(entry, target, streams)
  local row = all_series.row(entry, target)
  if row then
    row[REQUESTS] = row[REQUESTS] + 1
    row[STREAMS] = streams and row[STREAMS] + 1 or row[STREAMS]
  end
end

function _M.remove(entry, target, streams)
  local row = all_series.row(entry, target)
  if row and row[REQUESTS] > 0 then -- else there was no room for the row when it was added
    row[REQUESTS] = row[REQUESTS] - 1
    row[STREAMS] = streams and row[STREAMS] - 1 or row[STREAMS]
  end
end

-- Requests under way to one target in all living workers.
function _M.of(entry, target)
  local _, found = all_series.row(entry, target)
  return found.place and counters.sum_of_living(found.place, REQUESTS) or 0
end

-- Target's id -> requests under way in all living workers, and the same for those of them that are streams.
function _M.totals()
  local requests, streams = {}, {}
  for place, count in pairs(counters.standing(REQUESTS)) do
    local target = all_series.target_at(place)
    if target then
      requests[target] = (requests[target] or 0) + count
      local streaming = counters.sum_of_living(place, STREAMS)
      if streaming > 0 then
        streams[target] = (streams[target] or 0) + streaming
      end
    end
  end
  return requests, streams
end

return _M
