-- Redis runs this script, after rate_debt.lua: it renews portions of callers that send often (portions.lua), all those
-- of a worker together. What the worker used of a portion becomes debt; what it did not use stays reserved or is given
-- back; more is reserved where enough is left. The same happens to all limits that concern a caller, or to none.
--
-- KEYS  of each portion one for each limit that concerns its caller: what the caller used of it
-- ARGV  1: how long portions last from now on in microseconds, 2 and on: of each portion, in one text with spaces: its
--       id, how many of its requests were used since the worker asked last, how many it had then, how many more the
--       worker asks for ("-": none, and it has given up the rest), and two for each limit: how many requests, in how
--       many microseconds
-- Reply one text, since the worker would read each number of a list by itself. Of each portion, with spaces and with a
--       "|" behind: how many more were given, 1 when the portion was lost or has ended (whatever the worker has of it
--       is void), and for each limit two: how many requests are left besides, and in how many microseconds there is
--       one more
local SHARE = 8 -- of what is left a portion has this part at most: little is ever reserved while little is left
local PORTIONS_MOST = 16 -- of a caller, over all workers of all edges

local lasts_us = tonumber(ARGV[1])

-- Takes this portion out of the others; nil without it.
local function take_out(limit, id)
  for i, portion in ipairs(limit.portions) do
    if portion.id == id then
      limit.reserved = limit.reserved - portion.amount
      return table.remove(limit.portions, i)
    end
  end
end

-- The debt of what was used of it. Where the limit was changed meanwhile an amount is no whole number of requests.
local function used_of(portion, asked, period_us)
  if portion.amount == asked.held * period_us then
    return asked.used * period_us
  end
  return math.min(portion.amount, math.ceil(portion.amount / asked.held * asked.used))
end

local function read(asked, key, most, period_us)
  local limit = { key = key, most = most, period_us = period_us, full = most * period_us, portion_us = lasts_us }
  local text = redis.call("GET", key)
  read_debt(limit, text)
  limit.is_known = text ~= false
  local portion = take_out(limit, asked.id)
  if portion then
    local debt = used_of(portion, asked, period_us)
    limit.debt, limit.kept = limit.debt + debt, portion.amount - debt
  elseif not text then -- Redis was emptied; a portion that ended is debt already
    limit.debt = asked.used * period_us
  end
  return limit
end

-- What the text asks for, with its limits, whose keys stand behind the place `at`.
local function read_all(text, at)
  local id, used, held, wanted, limits = text:match("^(%S+) (%d+) (%d+) (%S+)(.*)$")
  local asked = { id = id, used = tonumber(used), held = tonumber(held), gives_up = wanted == "-", limits = {} }
  asked.wanted = tonumber(wanted) or 0
  for most, period_us in limits:gmatch(" (%d+) (%d+)") do
    local key = KEYS[at + #asked.limits + 1]
    asked.limits[#asked.limits + 1] = read(asked, key, tonumber(most), tonumber(period_us))
  end
  return asked
end

-- How many more requests all limits of the caller have for it.
local function added_to(asked)
  local added = asked.wanted
  for _, limit in ipairs(asked.limits) do
    -- An address without a key of its own shares one with others.
    if not limit.is_known or #limit.portions >= PORTIONS_MOST then
      return 0
    end
    added = math.min(added, math.floor(left_of_debt(limit) / SHARE))
  end
  return added
end

-- Keeps what the worker has not used, where nothing of the portion was lost. Returns whether something was.
local function keep(asked)
  local is_lost = false
  for _, limit in ipairs(asked.limits) do
    is_lost = is_lost or asked.held > 0 and not limit.kept
  end
  for _, limit in ipairs(asked.limits) do
    limit.own = not asked.gives_up and not is_lost and limit.kept or 0
    limit.reserved = limit.reserved + limit.own
  end
  return is_lost
end

local function write(asked, limit, added)
  local amount = limit.own + added * limit.period_us
  limit.reserved = limit.reserved + added * limit.period_us
  if amount > 0 then
    limit.portions[#limit.portions + 1] = { id = asked.id, amount = amount, ends_us = now_us + lasts_us }
  end
  if limit.is_known or limit.debt > 0 then
    write_debt(limit)
  end
end

local function renew(asked)
  local is_lost = keep(asked)
  local added = added_to(asked)
  local reply = whole(added) .. (is_lost and " 1" or " 0")
  for _, limit in ipairs(asked.limits) do
    write(asked, limit, added)
    local left, reset_us = left_of_debt(limit)
    reply = reply .. " " .. whole(left) .. " " .. whole(reset_us)
  end
  return reply .. "|"
end

local replies, at = {}, 0
while at < #KEYS do
  local asked = read_all(ARGV[#replies + 2], at)
  at = at + #asked.limits
  replies[#replies + 1] = renew(asked)
end
return table.concat(replies)
