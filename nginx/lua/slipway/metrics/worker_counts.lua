-- Counts over all living workers, exact at any moment. Each worker counts under its own instance, so that the counts of
-- a killed worker are dropped, and those of an exiting one are kept.
local leader = require("slipway.worker.leader")
local process = require("slipway.worker.process")

local _M = {}
local methods = {}
local meta = { __index = methods }

local state = ngx.shared.slipway_state

local VERSION = "workers_version" -- grows when a worker starts, and when one is found dead
local LOOK_EVERY_S = 1 -- for workers that a reload left to finish: no successor reports when one of those is killed

local living, living_version = {}, nil

function _M.version()
  return state:get(VERSION) or 0
end

-- Instances of living workers, also of those that a reload left to finish. Dead workers are forgotten, by all workers.
function _M.look()
  local found, is_any_dead = {}, false
  for _, name in ipairs(state:get_keys(0)) do
    local instance = name:match("^worker:(.+)$")
    if instance and process.is_alive(instance) then
      found[#found + 1] = instance
    elseif instance then
      state:delete(name)
      is_any_dead = true
    end
  end
  if is_any_dead then
    state:incr(VERSION, 1, 0)
  end
  return found
end

-- The same, as of when a worker last started or was found dead.
function _M.instances()
  local version = _M.version()
  if version ~= living_version then
    living, living_version = _M.look(), version
  end
  return living
end

function _M.start()
  state:set("worker:" .. process.instance(), ngx.now())
  state:incr(VERSION, 1, 0)
  leader.every(LOOK_EVERY_S, { name = "looking for dead workers", work = _M.look })
end

function _M.stop()
  state:delete("worker:" .. process.instance())
end

-- Counts kept in this shared dictionary.
function _M.new(shared)
  return setmetatable({ shared = shared }, meta)
end

function methods:total(name)
  local total = 0
  for _, instance in ipairs(_M.instances()) do
    total = total + (self.shared:get(instance .. ":" .. name) or 0)
  end
  return total
end

-- Name -> total. Also drops what dead workers left.
function methods:totals()
  local found, is_living = {}, {}
  for _, instance in ipairs(_M.instances()) do
    is_living[instance] = true
  end
  for _, key in ipairs(self.shared:get_keys(0)) do
    local instance, name = key:match("^(%d+%.%d+):(.+)$")
    if instance and is_living[instance] then
      found[name] = (found[name] or 0) + (self.shared:get(key) or 0)
    elseif instance then
      self.shared:delete(key)
    end
  end
  return found
end

-- Adds `amount` and returns true; or adds nothing and returns false when the total would be above `most`. Two workers
-- that add at the same moment may both be refused; they never exceed `most` together.
function methods:add_within(name, amount, most)
  self:add(name, amount)
  if self:total(name) > most then
    self:add(name, -amount)
    return false
  end
  return true
end

function methods:add(name, amount)
  local key = process.instance() .. ":" .. name
  local count, err = self.shared:incr(key, amount, 0)
  if not count then
    ngx.log(ngx.ERR, "ALARM: ", name, " is counted wrongly: ", err)
  elseif count <= 0 then
    self.shared:delete(key)
  end
end

return _M
