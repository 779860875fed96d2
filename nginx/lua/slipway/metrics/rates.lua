-- Requests per second of each app over the last ten looks. Only the leader keeps them; each leader begins anew.
local _M = {}

local LOOKS = 10

local looks = {}  -- the newest last: { at_s, app -> requests }
local current = {} -- app -> requests since the last look

local function requests(values)
  return values[1] + values[2] + values[3] + values[4] + values[5]
end

function _M.note(app, used)
  current[app] = (current[app] or 0) + requests(used)
end

-- Ends a look. Adds the apps to `apps` whose rate changed because the oldest look is forgotten.
function _M.advance(apps)
  ngx.update_time()
  looks[#looks + 1] = { at_s = ngx.now(), requests = current }
  current = {}
  if #looks > LOOKS + 1 then
    for app in pairs(table.remove(looks, 1).requests) do
      apps[app] = true
    end
  end
  for app in pairs(looks[1].requests) do
    apps[app] = true
  end
end

-- The oldest look is only where the time begins.
function _M.of(app)
  local period_s = #looks > 1 and looks[#looks].at_s - looks[1].at_s or 0
  if period_s <= 0 then
    return 0
  end
  local total = 0
  for i = 2, #looks do
    total = total + (looks[i].requests[app] or 0)
  end
  return total / period_s
end

return _M
