-- Requests and open connections under way, by target: two numbers in each worker's row of the unit, behind those that
-- only grow. So a killed worker's can be told and dropped, and an exiting worker's still count. Streams (WebSockets,
-- server-sent events) are counted as requests, and once more by themselves: they may last much longer.
local counters = require("slipway.metrics.counters")
local series = require("slipway.metrics.series")

local _M = {}

local REQUESTS, STREAMS = 14, 15 -- where histograms mostly have zeros: these are not asked whose they are

-- What stands there is of a worker that was killed, whose rows this one has now.
function _M.start()
  for _, unit in ipairs(series.all()) do
    local row = counters.own(series.place(unit))
    if row then
      row[REQUESTS], row[STREAMS] = 0, 0
    end
  end
end

function _M.add(entry, target, streams)
  local row = series.row(entry, target)
  if row then
    row[REQUESTS] = row[REQUESTS] + 1
    row[STREAMS] = streams and row[STREAMS] + 1 or row[STREAMS]
  end
end

function _M.remove(entry, target, streams)
  local row = series.row(entry, target)
  if row and row[REQUESTS] > 0 then -- else there was no room for the row when it was added
    row[REQUESTS] = row[REQUESTS] - 1
    row[STREAMS] = streams and row[STREAMS] - 1 or row[STREAMS]
  end
end

-- Requests under way to one target in all living workers.
function _M.of(entry, target)
  local _, found = series.row(entry, target)
  return found.place and counters.sum_of_living(found.place, REQUESTS) or 0
end

-- Target's id -> requests under way in all living workers, and the same for those of them that are streams.
function _M.totals()
  local requests, streams = {}, {}
  for place, count in pairs(counters.standing(REQUESTS)) do
    local target = series.target_at(place)
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
