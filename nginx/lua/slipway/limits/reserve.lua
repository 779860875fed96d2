-- Redis runs this script, after rate_debt.lua: it renews the portion of a caller that sends often (portions.lua). What
-- its worker used of it becomes debt; what it did not use stays reserved or is given back; more is reserved where
-- enough is left. The same happens to all limits that concern the caller, or to none.
--
-- KEYS  one for each limit: what the caller used of it
-- ARGV  1: the portion's id, 2: how many of its requests were used since the worker asked last, 3: how many it had
--       then, 4: how many more the worker asks for; "": none, and it has given up the rest, 5: how long it lasts from
--       now on in microseconds, 6 and on: two for each limit: how many requests, in how many microseconds
-- Reply 1: how many more were given, 2: 1 when the portion was lost or has ended: whatever the worker has of it is
--       void, then for each limit two: how many requests are left besides, and in how many microseconds there is one
--       more
local SHARE = 8 -- of what is left a portion has this part at most: little is ever reserved while little is left
local PORTIONS_MOST = 16 -- of a caller, over all workers of all edges

local id, used, held, lasts_us = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[5])
local wanted, gives_up = tonumber(ARGV[4]) or 0, ARGV[4] == ""

-- Takes this worker's portion out of the others; nil without it.
local function take_out(limit)
  for i, portion in ipairs(limit.portions) do
    if portion.id == id then
      limit.reserved = limit.reserved - portion.amount
      return table.remove(limit.portions, i)
    end
  end
end

-- The debt of what was used of it. Where the limit was changed meanwhile an amount is no whole number of requests.
local function used_of(portion, period_us)
  if portion.amount == held * period_us then
    return used * period_us
  end
  return math.min(portion.amount, math.ceil(portion.amount / held * used))
end

local function read(i)
  local at = 4 + 2 * i
  local most, period_us = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  local limit = { key = KEYS[i], most = most, period_us = period_us, full = most * period_us, portion_us = lasts_us }
  local text = redis.call("GET", limit.key)
  read_debt(limit, text)
  limit.is_known = text ~= false
  local portion = take_out(limit)
  if portion then
    local debt = used_of(portion, period_us)
    limit.debt, limit.kept = limit.debt + debt, portion.amount - debt
  elseif not text then -- Redis was emptied; a portion that ended is debt already
    limit.debt = used * period_us
  end
  return limit
end

local limits, is_lost, may_have_more = {}, false, wanted > 0
for i = 1, #KEYS do
  limits[i] = read(i)
  is_lost = is_lost or held > 0 and not limits[i].kept
  -- An address without a key of its own shares one with others.
  may_have_more = may_have_more and limits[i].is_known and #limits[i].portions < PORTIONS_MOST
end

local function keep(limit)
  limit.own = gives_up and 0 or not is_lost and limit.kept or 0
  limit.reserved = limit.reserved + limit.own
end

local added = may_have_more and wanted or 0
for _, limit in ipairs(limits) do
  keep(limit)
  added = math.min(added, math.floor(left_of_debt(limit) / SHARE))
end

local reply = { added, is_lost and 1 or 0 }
for _, limit in ipairs(limits) do
  local amount = limit.own + added * limit.period_us
  limit.reserved = limit.reserved + added * limit.period_us
  if amount > 0 then
    limit.portions[#limit.portions + 1] = { id = id, amount = amount, ends_us = now_us + lasts_us }
  end
  if limit.is_known or limit.debt > 0 then
    write_debt(limit)
  end
  reply[#reply + 1], reply[#reply + 2] = left_of_debt(limit)
end
return reply
