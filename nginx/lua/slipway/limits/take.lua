-- Redis runs this script, after rate_debt.lua: it asks all limits of one request's caller at once
-- (docs/decisions/0033). When a limit in force refuses, nothing is taken from any.
--
-- KEYS  1: tokens that are known (hash: SHA-256 of a token -> "<tenant>|<expiry in Unix seconds, or 0>"), 2: edges
--       (hash), 3: where refusals by caller are counted, 4 and on: one for each limit
-- ARGV  1: the request's name, 2: the app's tenant, 3: the caller's address, 4: the SHA-256 of the token that the
--       request has, or "", 5: how many new callers a limit keeps apart in its period, 6: "1" when the edge asks once
--       more if the refusal is not certain, 7: the signed-in person who calls, or "", 8: how long a worker's portion of
--       a limit lasts in microseconds, 9 and on: five for each limit: "rate" or "at_once", how many requests, in how
--       many microseconds (at_once: how long a lease lasts), by what the limit counts, "1" when it only reports
-- Reply 1: 1 when the request may pass, 0 when it is refused, 2 when it would pass if nobody used the portions that
--       workers have of the limits: the edge asks again, 2: the edges' number, 3: what is known of the token (0: it is
--       none of the tenant's, 1: it is, 2: nothing, since Redis has no tokens at all), then for each limit three: its
--       state, how many requests are left, and in how many microseconds there is one more
local PASSES, REFUSES, WOULD_REFUSE, NOT_CONCERNED = 0, 1, 2, 3
local UNKNOWN, KNOWN, UNCHECKED = 0, 1, 2
local SHARED_BY_MANY = 256
local HOUR_US, CALLERS_REPORTED = 3600000000, 200

local request, tenant, address, token, callers_apart, is_asked_again, user, portion_us = unpack(ARGV)

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

local function read_rate(limit)
  limit.key = limit.base .. ":" .. limit.partition
  local text = redis.call("GET", limit.key)
  limit.is_new = not text and limit.partition == address -- anybody can have many addresses; tokens are issued
  if limit.is_new and tonumber(redis.call("GET", limit.base .. ":new") or 0) >= tonumber(callers_apart) then
    local shard = tonumber(redis.sha1hex(limit.partition):sub(1, 2), 16) % SHARED_BY_MANY
    limit.is_new, limit.key = false, limit.base .. ":shared " .. shard
    text = redis.call("GET", limit.key)
  end
  if read_debt(limit, text) then
    write_debt(limit)
  end
  limit.refuses = limit.debt + limit.reserved + limit.period_us > limit.full
  limit.is_in_doubt = limit.refuses and limit.debt + limit.period_us <= limit.full
end

local function take_rate(limit)
  limit.debt = limit.debt + limit.period_us
  write_debt(limit)
  if limit.is_new and redis.call("INCR", limit.base .. ":new") == 1 then
    redis.call("PEXPIRE", limit.base .. ":new", whole(math.ceil(limit.period_us / 1000)))
  end
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
  rate = { read = read_rate, take = take_rate, left = left_of_debt },
  at_once = { read = read_at_once, take = take_at_once, left = left_at_once },
}

local limits, is_refused, is_in_doubt, would_be_refused, is_certain = {}, false, false, false, false
for i = 1, #KEYS - 3 do
  local at = 5 * i + 4
  local most, period_us = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local limit = {
    base = KEYS[i + 3], kind = KINDS[ARGV[at]], most = most, period_us = period_us, full = most * period_us,
    partition = PARTITIONS[ARGV[at + 3]](), only_reports = ARGV[at + 4] == "1", portion_us = tonumber(portion_us),
  }
  limits[i] = limit
  if limit.partition then
    limit.kind.read(limit)
    local refuses = limit.refuses and not limit.only_reports
    is_refused = is_refused or refuses
    is_in_doubt = is_in_doubt or refuses and limit.is_in_doubt
    would_be_refused = would_be_refused or limit.refuses and limit.only_reports
    is_certain = is_certain or refuses and limit.kind == KINDS.rate and not limit.is_in_doubt
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

-- Requests at one time may have ended meanwhile, and portions may not be used up.
local is_asked_in_vain = is_refused and not is_certain and is_asked_again == "1"
local verdict = not is_refused and 1 or is_asked_in_vain and is_in_doubt and 2 or 0
local reply = { verdict, redis.call("HLEN", KEYS[2]), token_is }
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
