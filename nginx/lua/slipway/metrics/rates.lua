-- Requests per second of each app, or of whatever has a name, over the last ten looks. Only the leader keeps them; each
-- leader begins anew.
local _M = {}

local LOOKS = 10

function _M.new()
  local rates = {}
  local looks = {}  -- the newest last: { at_s, name -> requests }
  local current = {} -- name -> requests since the last look

  function rates.note(name, requests)
    current[name] = (current[name] or 0) + requests
  end

  -- Ends a look. Adds the names to `changed` whose rate changed because the oldest look is forgotten.
  function rates.advance(changed)
    ngx.update_time()
    looks[#looks + 1] = { at_s = ngx.now(), requests = current }
    current = {}
    if #looks > LOOKS + 1 then
      for name in pairs(table.remove(looks, 1).requests) do
        changed[name] = true
      end
    end
    for name in pairs(looks[1].requests) do
      changed[name] = true
    end
  end

  -- The oldest look is only where the time begins. `more`: requests since the last look; then it is the rate up to now.
  function rates.of(name, more)
    local period_s = #looks > 1 and (more and ngx.now() or looks[#looks].at_s) - looks[1].at_s or 0
    if period_s <= 0 then
      return 0
    end
    local total = more or 0
    for i = 2, #looks do
      total = total + (looks[i].requests[name] or 0)
    end
    return total / period_s
  end

  return rates
end

return _M
