-- Requests and open connections under way, by target. Counted in shared memory under the worker's instance, so that a
-- killed worker's counts can be told and dropped, and an exiting worker's still count.
local process = require("slipway.process")

local _M = {}

local counts = ngx.shared.slipway_inflight

function _M.add(target)
  local _, err, forced = counts:incr(target.counter, 1, 0)
  if err or forced then
    ngx.log(ngx.ERR, "ALARM: requests under way are counted wrongly (", err or "an older count was evicted",
      "): enlarge lua_shared_dict slipway_inflight")
  end
end

-- A counter that reached zero goes, so that a scan costs what is under way, not what ever was.
function _M.remove(target)
  local count = counts:incr(target.counter, -1)
  if count and count <= 0 then
    counts:delete(target.counter)
  end
end

-- target id -> requests under way in all living workers; a dead worker's counts are dropped.
function _M.totals()
  local totals, alive = {}, {}
  for _, key in ipairs(counts:get_keys(0)) do
    local colon = key:find(":", 1, true)
    local instance, id = key:sub(1, colon - 1), key:sub(colon + 1)
    if alive[instance] == nil then
      alive[instance] = process.is_alive(instance)
    end
    if alive[instance] then
      totals[id] = (totals[id] or 0) + (counts:get(key) or 0)
    else
      counts:delete(key)
    end
  end
  for id, count in pairs(totals) do
    if count <= 0 then
      totals[id] = nil
    end
  end
  return totals
end

return _M
