-- What the modules need of nginx, in memory: a clock that stands still, shared dictionaries, one request.
local ffi = require("ffi")

local _M = {}

local MODULES = "^slipway%."

local Dictionary = {}
Dictionary.__index = Dictionary

local function new_dictionary(clock)
  return setmetatable({ values = {}, expires_at_s = {}, lists = {}, clock = clock }, Dictionary)
end

function Dictionary:get(key)
  local at_s = self.expires_at_s[key]
  if at_s and at_s <= self.clock.now_s then
    self:delete(key)
  end
  return self.values[key]
end

function Dictionary:set(key, value, for_s)
  self.values[key] = value
  self.expires_at_s[key] = for_s and for_s > 0 and self.clock.now_s + for_s or nil
  return true
end

function Dictionary:add(key, value, for_s)
  if self:get(key) ~= nil then
    return false, "exists"
  end
  return self:set(key, value, for_s)
end

function Dictionary:incr(key, amount, initial, for_s)
  local value = self:get(key)
  if value == nil then
    if initial == nil then
      return nil, "not found"
    end
    self:set(key, initial + amount, for_s)
    return initial + amount
  end
  self.values[key] = value + amount
  return value + amount
end

function Dictionary:delete(key)
  self.values[key], self.expires_at_s[key] = nil, nil
end

function Dictionary:get_keys()
  local keys = {}
  for key in pairs(self.values) do
    if self:get(key) ~= nil then
      keys[#keys + 1] = key
    end
  end
  return keys
end

Dictionary.safe_set, Dictionary.safe_add = Dictionary.set, Dictionary.add

local function forget_modules()
  for name in pairs(package.loaded) do
    if name:find(MODULES) then
      package.loaded[name] = nil
    end
  end
end

local function new_ngx(clock)
  local fake = {
    ERR = 4, WARN = 5, NOTICE = 6, HTTP_OK = 200, HTTP_MOVED_TEMPORARILY = 302, null = {},
    var = {}, ctx = {}, header = {}, added_headers = {}, status = 200, logged = {}, timers = {},
  }
  fake.shared = setmetatable({}, {
    __index = function(dictionaries, name)
      local made = new_dictionary(clock)
      rawset(dictionaries, name, made)
      return made
    end,
  })
  function fake.now()
    return clock.now_s
  end
  function fake.update_time()
  end
  function fake.log(_, ...)
    fake.logged[#fake.logged + 1] = table.concat({ ... })
  end
  fake.config = { prefix = function() return "/" end }
  fake.worker = { pid = function() return 1 end, exiting = function() return false end }
  fake.timer = {
    every = function(_, tick)
      fake.timers[#fake.timers + 1] = tick
      return true
    end,
    at = function()
      return true
    end,
  }
  fake.req = {
    headers = {}, received_headers = {}, is_internal_request = false, method = "GET", start_time_s = clock.now_s,
    get_method = function() return fake.req.method end,
    get_headers = function() return fake.req.received_headers end,
    is_internal = function() return fake.req.is_internal_request end,
    start_time = function() return fake.req.start_time_s end,
    set_header = function(name, value) fake.req.headers[name] = value or false end,
    clear_header = function(name) fake.req.headers[name] = false end,
  }
  return fake
end

-- nginx's own Lua modules, as far as a module needs them to load; `wait` on a semaphore lets the time pass.
local function load_libraries(fake)
  package.loaded["nginx.redis"] = {}
  package.loaded["ngx.balancer"] = {}
  package.loaded["ngx.resp"] = {
    add_header = function(name, value)
      fake.added_headers[#fake.added_headers + 1] = name .. ": " .. value
    end,
  }
  package.loaded["ngx.semaphore"] = {
    new = function()
      return { post = function() end, wait = function(_, seconds) fake.advance(seconds) end }
    end,
  }
  package.loaded["resty.core.base"] = { get_request = function() return nil end }
  package.loaded["slipway.request.request_headers"] = {
    read = function() return {}, 0 end, value = function(_, variable) return fake.var[variable] end,
  }
  package.loaded["slipway.responses.response_headers"] = { has = function(name) return fake.header[name] ~= nil end }
  package.loaded["slipway.request.variable"] = {
    set = function(name, bytes, length) fake.var[name] = ffi.string(bytes, length) end,
  }
end

-- A new nginx, at second 1000. Modules that are required from now on see it, and begin without state.
function _M.start()
  forget_modules()
  local clock = { now_s = 1000 }
  local fake = new_ngx(clock)
  function fake.advance(seconds)
    clock.now_s = clock.now_s + seconds
  end
  rawset(_G, "ngx", fake)
  load_libraries(fake)
  return fake
end

-- The module `name` is `fake` from now on.
function _M.replace(name, fake)
  package.loaded[name] = fake
  return fake
end

-- A target, and an entry as routes/entry.lua makes them.
function _M.target(id, weight)
  return { id = id, address = "127.0.0.1", port = 80, weight = weight or 1, failure_key = "target:" .. id }
end

function _M.entry(targets, more)
  local entry = {
    app = "1", name = "shop", tenant = "acme", host = "shop.localhost", access = "public", targets = targets,
    standby = {}, connect_s = 2, read_s = 60, circuit = "app:1:1",
    ejection = { failures = 3, pause_s = 5, most_s = 60 }, breaker = { failures = 4, pause_s = 5, most_s = 0 },
    waiting = { requests = 10, bytes = 1000, timeout_s = 1 },
  }
  for name, value in pairs(more or {}) do
    entry[name] = value
  end
  return entry
end

return _M
