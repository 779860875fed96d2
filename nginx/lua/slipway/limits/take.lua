-- Redis runs this script: it asks all limits of one request's caller at once (docs/decisions/0033). When a limit in
-- force refuses, nothing is taken from any. The clock is Redis' own; all arithmetic is on whole microseconds.
--
-- KEYS  1: tokens that are known (hash: SHA-256 of a token -> "<tenant>|<expiry in Unix seconds, or 0>"), 2: edges
--       (hash), 3: where refusals by caller are counted, 4 and on: one for each limit
-- ARGV  1: the request's name, 2: the app's tenant, 3: the caller's address, 4: the SHA-256 of the token that the
--       request has, or "", 5: how many new callers a limit keeps apart in its period, 6: "1" when the edge asks once
--       more if only limits of requests at one time refuse, 7: the signed-in person who calls, or "", 8 and on: five
--       for each limit: "rate" or "at_once", how many requests, in how many microseconds (at_once: how long a lease
--       lasts), by what the limit counts, "1" when it only reports
-- Reply 1: 1 when the request may pass, 2: the edges' number, 3: what is known of the token (0: it is none of the
--       tenant's, 1: it is, 2: nothing, since Redis has no tokens at all), then for each limit three: its state, how
--       many requests are left, and in how many microseconds there is one more
local PASSES, REFUSES, WOULD_REFUSE, NOT_CONCERNED = 0, 1, 2, 3
local UNKNOWN, KNOWN, UNCHECKED = 0, 1, 2
local SHARED_BY_MANY = 256
local HOUR_US, CALLERS_REPORTED = 3600000000, 200

local clock = redis.call("TIME")
local now_us = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local request, tenant, address, token, callers_apart, is_asked_again, user = unpack(ARGV)

-- Redis may have lost all tokens, until the agent has written them again.
local function look_up_token()
  if token == "" then
    return UNKNOWN
  end
  local row = redis.call("HGET", KEYS[1], token)
  if not row then
    return redis.call("EXISTS", KEYS[1]) == 1 and UNKNOWN or UNCHECKED
  end
  local owner, expires_s = row:match("^(.*)|(%d+)$")
  local is_known = owner == tenant and (expires_s == "0" or tonumber(expires_s) * 1000000 > now_us)
  return is_known and KNOWN or UNKNOWN
end

local token_is = look_up_token()

-- The same as in callers.lua.
local PARTITIONS = {
  all = function() return "all" end,
  address = function() return address end,
  token = function()
    return token_is == KNOWN and "token " .. token or token_is == UNCHECKED and address or nil
  end,
  user = function() return user ~= "" and "user " .. user or nil end,
  caller = function()
    return user ~= "" and "user " .. user or token_is == KNOWN and "token " .. token or address
  end,
}

local function whole(number)
  return string.format("%.0f", number)
end

-- The debt of a caller: how much of the limit is used. A request adds `period_us`, each microsecond takes `most` away,
-- and the limit is used up at most * period_us. That is the theoretical arrival time of GCRA, less the present, in
-- units that make all of it whole numbers. Where the limit has changed the used share stays the same. A text that can't
-- be read is a limit that is used up. Returns the debt, and whether the text has to be written with the present: then
-- it can't be read, or the clock was put back, and the debt would not become less until the clock is where it was.
local function debt_of(text, limit)
  local debt, at_us, most, period_us = text:match("^(%d+) (%d+) (%d+) (%d+)$")
  debt, at_us, most, period_us = tonumber(debt), tonumber(at_us), tonumber(most), tonumber(period_us)
  if not debt or most * period_us == 0 then
    return limit.full, true
  end
  debt = math.max(0, debt - math.max(0, now_us - at_us) * most)
  if most ~= limit.most or period_us ~= limit.period_us then
    debt = math.min(limit.full, math.ceil(debt / (most * period_us) * limit.full))
  end
  return debt, at_us > now_us
end

-- A key lasts a whole period, so that a caller is a new one at most once in a period, however slowly it sends.
local function write_rate(limit)
  local text = whole(limit.debt) .. " " .. whole(now_us) .. " " .. whole(limit.most) .. " " .. whole(limit.period_us)
  redis.call("SET", limit.key, text, "PX", whole(math.ceil(limit.period_us / 1000)))
end

local function read_rate(limit)
  limit.key = limit.base .. ":" .. limit.partition
  local text = redis.call("GET", limit.key)
  limit.is_new = not text and limit.partition == address -- anybody can have many addresses; tokens are issued
  if limit.is_new and tonumber(redis.call("GET", limit.base .. ":new") or 0) >= tonumber(callers_apart) then
    local shard = tonumber(redis.sha1hex(limit.partition):sub(1, 2), 16) % SHARED_BY_MANY
    limit.is_new, limit.key = false, limit.base .. ":shared " .. shard
    text = redis.call("GET", limit.key)
  end
  local is_to_be_written = false
  limit.debt = 0
  if text then
    limit.debt, is_to_be_written = debt_of(text, limit)
  end
  if is_to_be_written then
    write_rate(limit)
  end
  limit.refuses = limit.debt + limit.period_us > limit.full
end

local function take_rate(limit)
  limit.debt = limit.debt + limit.period_us
  write_rate(limit)
  if limit.is_new and redis.call("INCR", limit.base .. ":new") == 1 then
    redis.call("PEXPIRE", limit.base .. ":new", whole(math.ceil(limit.period_us / 1000)))
  end
end

local function left_of_rate(limit)
  local left = math.floor((limit.full - limit.debt) / limit.period_us)
  if left >= limit.most then
    return limit.most, 0
  end
  return left, math.ceil((limit.debt - limit.full + (left + 1) * limit.period_us) / limit.most)
end

local function read_at_once(limit)
  limit.key = limit.base .. ":at once " .. limit.partition
  redis.call("ZREMRANGEBYSCORE", limit.key, "-inf", whole(now_us))
  limit.under_way = redis.call("ZCARD", limit.key)
  limit.refuses = limit.under_way >= limit.most
end

local function take_at_once(limit)
  limit.under_way = limit.under_way + 1
  redis.call("ZADD", limit.key, whole(now_us + limit.period_us), request)
  local left_ms = redis.call("PTTL", limit.key) -- a lease of another length may be there
  redis.call("PEXPIRE", limit.key, whole(math.max(left_ms, math.ceil(limit.period_us / 1000))))
end

local function left_at_once(limit)
  return math.max(0, limit.most - limit.under_way), 0
end

local KINDS = {
  rate = { read = read_rate, take = take_rate, left = left_of_rate },
  at_once = { read = read_at_once, take = take_at_once, left = left_at_once },
}

local limits, is_refused, would_be_refused, is_final = {}, false, false, is_asked_again ~= "1"
for i = 1, #KEYS - 3 do
  local at = 5 * i + 3
  local most, period_us = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local limit = {
    base = KEYS[i + 3], kind = KINDS[ARGV[at]], most = most, period_us = period_us, full = most * period_us,
    partition = PARTITIONS[ARGV[at + 3]](), only_reports = ARGV[at + 4] == "1",
  }
  limits[i] = limit
  if limit.partition then
    limit.kind.read(limit)
    is_refused = is_refused or limit.refuses and not limit.only_reports
    would_be_refused = would_be_refused or limit.refuses and limit.only_reports
    is_final = is_final or limit.refuses and not limit.only_reports and limit.kind == KINDS.rate
  end
end

-- Counts a refusal for its caller. As many callers are kept as may be reported; a new one replaces the one with the
-- fewest refusals and goes on from those, so that who is refused most is among them (the Space-Saving sketch).
local function count_refusal(limit)
  local key = KEYS[3] .. ":" .. math.floor(now_us / HOUR_US)
  local member, amount = limit.base .. "|" .. limit.partition, 1
  if redis.call("ZCARD", key) >= CALLERS_REPORTED and not redis.call("ZSCORE", key, member) then
    local fewest = redis.call("ZPOPMIN", key)
    amount = tonumber(fewest[2]) + 1
  end
  redis.call("ZINCRBY", key, amount, member)
  redis.call("PEXPIRE", key, whole(2 * HOUR_US / 1000))
end

local is_asked_in_vain = is_refused and not is_final
local reply = { is_refused and 0 or 1, redis.call("HLEN", KEYS[2]), token_is }
for _, limit in ipairs(limits) do
  local state, left, reset_us = NOT_CONCERNED, 0, 0
  if limit.partition then
    state = not limit.refuses and PASSES or limit.only_reports and WOULD_REFUSE or REFUSES
    if not is_refused and not (limit.only_reports and would_be_refused) then
      limit.kind.take(limit)
    elseif limit.refuses and not is_asked_in_vain then
      count_refusal(limit)
    end
    left, reset_us = limit.kind.left(limit)
  end
  reply[#reply + 1] = state
  reply[#reply + 1] = left
  reply[#reply + 1] = reset_us
end
return reply
