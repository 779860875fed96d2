-- Requests and open connections under way, by target: two numbers in each worker's row of the unit, behind those that
-- only grow. So a killed worker's can be told and dropped, and an exiting worker's still count. Streams (WebSockets,
-- server-sent events) are counted as requests, and once more by themselves: they may last much longer.
local counters = require("slipway.counters")
local units = require("slipway.units")

local _M = {}

local REQUESTS, STREAMS = 9, 10

-- What stands there is of a worker that was killed, whose rows this one has now.
function _M.start()
  for _, unit in ipairs(units.all()) do
    local row = counters.own(units.place(unit))
    if row then
      row[REQUESTS], row[STREAMS] = 0, 0
    end
  end
end

function _M.add(entry, target, streams)
  local row = units.row(entry, target)
  if row then
    row[REQUESTS] = row[REQUESTS] + 1
    row[STREAMS] = streams and row[STREAMS] + 1 or row[STREAMS]
  end
end

function _M.remove(entry, target, streams)
  local row = units.row(entry, target)
  if row and row[REQUESTS] > 0 then -- else there was no room for the row when it was added
    row[REQUESTS] = row[REQUESTS] - 1
    row[STREAMS] = streams and row[STREAMS] - 1 or row[STREAMS]
  end
end

-- Requests under way to one target in all living workers.
function _M.of(entry, target)
  local _, series = units.row(entry, target)
  return series.place and counters.sum_of_living(series.place, REQUESTS) or 0
end

-- Target's id -> requests under way in all living workers, and the same for those of them that are streams. `known`:
-- the units to look at.
function _M.totals(known)
  local requests, streams = {}, {}
  local is_living = counters.look_who_lives()
  for _, unit in ipairs(known) do
    local place = unit.target ~= "" and units.place(unit)
    local count = place and counters.sum_of_living(place, REQUESTS, is_living) or 0
    if count > 0 then
      requests[unit.target] = (requests[unit.target] or 0) + count
      local streaming = counters.sum_of_living(place, STREAMS, is_living)
      if streaming > 0 then
        streams[unit.target] = (streams[unit.target] or 0) + streaming
      end
    end
  end
  return requests, streams
end

return _M
