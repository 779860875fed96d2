-- Counters in memory that all workers share. Each worker counts in rows of its own, without a lock or a search, and
-- readers add up the rows of all. So counting costs next to nothing, and what a killed worker counted is kept.
-- A dictionary in shared memory costs a third of a microsecond for each counter, more the more there are (measured).
--
-- A row belongs to a name. A dictionary has its place: a number that is never used again, from which the row's index
-- follows. Indices are used again, so each row has its place as its first value.
local ffi = require("ffi")
local process = require("slipway.worker.process")
local shared_memory = require("slipway.worker.shared_memory")
local worker_counts = require("slipway.metrics.worker_counts")

local _M = {}

local places = ngx.shared.slipway_metrics
local state = ngx.shared.slipway_state

_M.COUNTERS = 15 -- in a row

local WIDTH = _M.COUNTERS + 1 -- the first is the place
local ROWS, SLOTS = 131072, 256 -- of each worker; workers, exiting ones too. Only what is used takes memory.
local SLOT = ROWS * WIDTH
local TAKEOVER_S = 10

local all -- the memory, from the first slot on
local own -- this worker's slot

-- In the master, before workers start. A reload finds the memory of before.
function _M.share()
  all = shared_memory.numbers("counters", SLOTS * SLOT)
end

-- A dead worker's slot is taken over once, as its leadership is (leader.lua). Its next worker counts on in the same
-- rows.
local function take(slot)
  local key, me = "slot:" .. slot, process.instance()
  local holder = state:get(key)
  if not holder then
    return (state:add(key, me))
  end
  if process.is_alive(holder) or not state:add("takeover:slot:" .. holder, true, TAKEOVER_S) then
    return false
  end
  state:set(key, me)
  return true
end

-- When a worker starts.
function _M.claim()
  for slot = 0, SLOTS - 1 do
    if take(slot) then
      own = all + slot * SLOT
      return
    end
  end
  ngx.log(ngx.ERR, "ALARM: what this worker counts is lost: there are more than ", SLOTS, " workers")
  own = shared_memory.own_numbers(SLOT)
end

local slots = 0 -- as far as this worker knows; they are taken from the first one on and never given back
local slots_at_s = 0 -- by nginx' clock, which stands still while a scan goes over thousands of rows

local function slots_taken()
  local now_s = ngx.now()
  if now_s ~= slots_at_s then
    slots_at_s = now_s
    while state:get("slot:" .. slots) do
      slots = slots + 1
    end
  end
  return slots
end

local function new_place()
  local index, err = places:rpop("free rows")
  if not index then
    index, err = places:incr("rows", 1, -1)
    if index and index >= ROWS then
      return nil, "more than " .. ROWS .. " rows"
    end
  end
  local serial
  if index then
    serial, err = places:incr("places", 1, 0)
  end
  if not serial then
    return nil, err
  end
  return serial * ROWS + index
end

local function free(place)
  places:delete("name|" .. place)
  places:lpush("free rows", place % ROWS)
end

local function clear(row)
  ffi.fill(row, WIDTH * ffi.sizeof("double"))
end

-- Where a name's row is; nil when it has none.
function _M.place(name)
  return places:get("row|" .. name)
end

-- The name whose row is at a place; nil when the row was given back.
function _M.name(place)
  return places:get("name|" .. place)
end

-- This worker's row of the name, and its place, made when there is none; or nil and why not. The first counter is
-- row[1]. The row is the name's as long as row[0] is the place.
function _M.row(name)
  local place = _M.place(name)
  if not place then
    local made, err = new_place()
    if not made then
      return nil, err
    end
    local ok
    ok, err = places:safe_set("name|" .. made, name)
    if ok then
      ok, err = places:safe_add("row|" .. name, made)
    end
    if not ok then
      free(made)
    end
    place = ok and made or _M.place(name) -- another worker was first
    if not place then
      return nil, err
    end
  end
  local row = own + place % ROWS * WIDTH
  if row[0] ~= place then
    clear(row)
    row[0] = place
  end
  return row, place
end

-- This worker's row of a place; nil when it has none.
function _M.own(place)
  local row = place and own + place % ROWS * WIDTH
  return row and row[0] == place and row or nil
end

local living, living_version = {}, nil

local function find_living()
  local found = {}
  for slot = 0, slots_taken() - 1 do
    local holder = state:get("slot:" .. slot)
    found[slot] = holder ~= nil and process.is_alive(holder)
  end
  return found
end

local function living_slots()
  local version = worker_counts.version()
  if version ~= living_version then
    living, living_version = find_living(), version
  end
  return living
end

-- One counter of a place, summed over all workers that live.
function _M.sum_of_living(place, number)
  local sum, at, is_living = 0, place % ROWS * WIDTH, living_slots()
  for slot = 0, slots - 1 do
    local row = all + slot * SLOT + at
    if row[0] == place and is_living[slot] then
      sum = sum + row[number]
    end
  end
  return sum
end

-- Place -> sum of one counter, over all workers that live, for all rows where it is not zero. Reads all rows in the
-- order in which they lie in memory, since most are zero.
function _M.standing(number)
  local found, is_living = {}, find_living()
  local last = places:get("rows") or -1
  for slot = 0, slots - 1 do
    local rows = all + slot * SLOT
    for at = 0, is_living[slot] and last * WIDTH or -1, WIDTH do
      local count = rows[at + number]
      if count ~= 0 then
        found[rows[at]] = (found[rows[at]] or 0) + count
      end
    end
  end
  return found
end

-- One counter of a place, summed over all workers.
function _M.sum(place, number)
  local sum, at = 0, place % ROWS * WIDTH
  for slot = 0, slots_taken() - 1 do
    local row = all + slot * SLOT + at
    if row[0] == place then
      sum = sum + row[number]
    end
  end
  return sum
end

-- The first `count` of them; zeros without a place.
function _M.sums(place, count)
  local sums = {}
  for number = 1, count do
    sums[number] = 0
  end
  local at = place and place % ROWS * WIDTH
  for slot = 0, place and slots_taken() - 1 or -1 do
    local row = all + slot * SLOT + at
    if row[0] == place then
      for number = 1, count do
        sums[number] = sums[number] + row[number]
      end
    end
  end
  return sums
end

-- Call it only when nothing is counted in the row any more.
function _M.forget(name)
  local place = _M.place(name)
  if not place then
    return
  end
  places:delete("row|" .. name)
  local at = place % ROWS * WIDTH
  for slot = 0, slots_taken() - 1 do
    clear(all + slot * SLOT + at)
  end
  free(place)
end

return _M
