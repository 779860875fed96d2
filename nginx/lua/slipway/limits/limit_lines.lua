-- What limits say of an answer (rate_limit_headers.lua) as lines that follow another header, but for Retry-After. They
-- are put together in memory of the worker's own: as a Lua string of each answer they cost more than all the rest of a
-- limit.
local ffi = require("ffi")
local variable = require("slipway.request.variable")

local _M = {}

local floor = math.floor
local NAME = "slipway_limit_lines" -- in nginx.conf
local FIRST_ROOM, DIGITS_MOST, ZERO = 1024, 20, 48

local digits = ffi.new("unsigned char[?]", DIGITS_MOST)
local room, lines = FIRST_ROOM, ffi.new("unsigned char[?]", FIRST_ROOM)

-- Writes the digits of a whole number, the last one at this place; returns the place of the first. No loop: see
-- worker/compiler.lua.
local function put_digits(number, place)
  local rest = floor(number / 10)
  digits[place] = ZERO + number - 10 * rest
  if rest < 1 or place == 0 then
    return place
  end
  return put_digits(rest, place - 1)
end

-- What stands between the two places where the lines say how many requests are left. It mostly stays the same.
local function between(shown, reset_s)
  if shown.between_of_s ~= reset_s then
    shown.between_of_s = reset_s
    shown.between = ";t=" .. reset_s .. shown.key .. "\r\nX-RateLimit-Reset: " .. reset_s
      .. "\r\nX-RateLimit-Remaining: "
  end
  return shown.between
end

local function make_room(length)
  if length > room then
    room, lines = length, ffi.new("unsigned char[?]", length)
  end
end

-- Puts the lines together; returns their length.
local function put(shown, left, reset_s)
  local first = put_digits(left, DIGITS_MOST - 1)
  local count, begin, middle = DIGITS_MOST - first, shown.lines_begin, between(shown, reset_s)
  local length = #begin + #middle + 2 * count
  make_room(length)
  ffi.copy(lines, begin, #begin)
  ffi.copy(lines + #begin, digits + first, count)
  ffi.copy(lines + #begin + count, middle, #middle)
  ffi.copy(lines + length - count, digits + first, count)
  return length
end

-- Header filter: into the variable of nginx.conf that has them.
function _M.write(shown, left, reset_s)
  local length = put(shown, left, reset_s) -- may give `lines` more room
  variable.set(NAME, lines, length)
end

function _M.text(shown, left, reset_s)
  local length = put(shown, left, reset_s)
  return (ffi.string(lines, length))
end

return _M
