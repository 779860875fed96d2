-- The beginning of the scripts that Redis runs for limits of requests in a time (scripts.lua joins them): what a caller
-- used of one, as it is kept. The clock is Redis' own; all arithmetic is on whole microseconds.
--
-- The text is `<debt> <at> <requests> <µs>`, and `|<id> <amount> <end>` for each portion that a worker has
-- (portions.lua). The debt is how much of the limit is used. A request adds `period_us`, each microsecond takes `most`
-- away, and the limit is used up at most * period_us. That is the theoretical arrival time of GCRA, less the present,
-- in units that make all of it whole numbers. A portion's amount is in the same units. It is no debt yet, so no time
-- takes it away: it becomes debt when its worker has used it, or when it ends without a word of its worker.
local clock = redis.call("TIME")
local now_us = tonumber(clock[1]) * 1000000 + tonumber(clock[2])

local function whole(number)
  return string.format("%.0f", number)
end

-- The portions in the text behind the debt, by when they end; nil when they can't be read.
local function portions_of(text)
  local portions, read = {}, 0
  for id, amount, ends_us in text:gmatch("|([^ |]+) (%d+) (%d+)") do
    portions[#portions + 1] = { id = id, amount = tonumber(amount), ends_us = tonumber(ends_us) }
    read = read + 3 + #id + #amount + #ends_us
  end
  return read == #text and portions or nil
end

-- Where the limit has changed the used share stays the same.
local function convert(limit, full)
  limit.debt = math.min(limit.full, math.ceil(limit.debt / full * limit.full))
  for _, portion in ipairs(limit.portions) do
    portion.amount = math.ceil(portion.amount / full * limit.full)
  end
end

-- Brings the debt from when it was written to the present. Portions that ended meanwhile count as used since then.
local function bring_up_to_date(limit, debt, at_us, most)
  local unended = {}
  limit.reserved = 0
  for _, portion in ipairs(limit.portions) do
    if portion.ends_us <= now_us then
      debt = math.max(0, debt - math.max(0, portion.ends_us - at_us) * most) + portion.amount
      at_us = math.max(at_us, portion.ends_us)
    else
      portion.ends_us = math.min(portion.ends_us, now_us + limit.portion_us) -- the clock may have been put back
      limit.reserved = limit.reserved + portion.amount
      unended[#unended + 1] = portion
    end
  end
  limit.debt, limit.portions = math.max(0, debt - math.max(0, now_us - at_us) * most), unended
end

-- Reads a caller's text into `debt`, `portions`, and `reserved`: the sum of those. The limit has `most`, `period_us`,
-- `full` (their product) and `portion_us`: how long a portion lasts at most. A text that can't be read is a limit that
-- is used up. Returns whether the text has to be written with the present: then it can't be read, or the clock was put
-- back, and the debt would not become less until the clock is where it was.
local function read_debt(limit, text)
  limit.debt, limit.portions, limit.reserved = 0, {}, 0
  if not text then
    return false
  end
  local debt, at_us, most, period_us, rest = text:match("^(%d+) (%d+) (%d+) (%d+)(.*)$")
  debt, at_us, most, period_us = tonumber(debt), tonumber(at_us), tonumber(most), tonumber(period_us)
  local portions = debt and portions_of(rest)
  if not portions or most * period_us == 0 then
    limit.debt = limit.full
    return true
  end
  limit.portions = portions
  bring_up_to_date(limit, debt, at_us, most)
  if most ~= limit.most or period_us ~= limit.period_us then
    convert(limit, most * period_us)
    limit.reserved = 0
    for _, portion in ipairs(limit.portions) do
      limit.reserved = limit.reserved + portion.amount
    end
  end
  return at_us > now_us
end

-- A key lasts a whole period, so that a caller is a new one at most once in a period, however slowly it sends.
local function write_debt(limit)
  local text = whole(limit.debt) .. " " .. whole(now_us) .. " " .. whole(limit.most) .. " " .. whole(limit.period_us)
  local lasts_us = limit.period_us
  for _, portion in ipairs(limit.portions) do
    text = text .. "|" .. portion.id .. " " .. whole(portion.amount) .. " " .. whole(portion.ends_us)
    lasts_us = math.max(lasts_us, portion.ends_us - now_us)
  end
  redis.call("SET", limit.key, text, "PX", whole(math.ceil(lasts_us / 1000)))
end

-- How many requests are left, and in how many microseconds there is one more.
local function left_of_debt(limit)
  local used = limit.debt + limit.reserved
  local left = math.max(0, math.floor((limit.full - used) / limit.period_us))
  if left >= limit.most then
    return limit.most, 0
  end
  return left, math.ceil((used - limit.full + (left + 1) * limit.period_us) / limit.most)
end
