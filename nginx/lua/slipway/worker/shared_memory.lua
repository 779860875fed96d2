-- Numbers in memory that all workers share, without a lock or a search: whoever writes one has to be its only writer,
-- or to write such numbers that it does not matter which one is the last.
local ffi = require("ffi")

local _M = {}

local state = ngx.shared.slipway_state

local PROT_READ_WRITE = 3
local MAP_SHARED, MAP_PRIVATE, MAP_ANONYMOUS, MAP_NORESERVE = 0x01, 0x02, 0x20, 0x4000

ffi.cdef("void *mmap(void *address, size_t bytes, int protection, int flags, int file, long offset);")

local function map(count, flags)
  local bytes = count * ffi.sizeof("double")
  local memory = ffi.C.mmap(nil, bytes, PROT_READ_WRITE, flags + MAP_ANONYMOUS + MAP_NORESERVE, -1, 0)
  assert(memory ~= ffi.cast("void *", -1), "no memory for numbers of workers")
  return ffi.cast("double *", memory)
end

-- In the master, before workers start: so many numbers, at first 0. A reload finds those of before: their address is
-- the same in every process that descends from this one, as shared dictionaries are.
function _M.numbers(name, count)
  local address = state:get(name .. "_address")
  if address then
    return ffi.cast("double *", address)
  end
  local made = map(count, MAP_SHARED)
  state:set(name .. "_address", tonumber(ffi.cast("uintptr_t", made)))
  return made
end

-- The same, of this worker alone.
function _M.own_numbers(count)
  return map(count, MAP_PRIVATE)
end

return _M
