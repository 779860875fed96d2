-- Redis runs this script: it renews the leases of requests that are still under way (leases.lua).
--
-- KEYS  1 and on: where each lease is
-- ARGV  1: how many microseconds they last from now on, 2 and on: each lease's request
local clock = redis.call("TIME")
local lease_us = tonumber(ARGV[1])
local until_us = string.format("%.0f", tonumber(clock[1]) * 1000000 + tonumber(clock[2]) + lease_us)
for i, key in ipairs(KEYS) do
  redis.call("ZADD", key, until_us, ARGV[i + 1])
  local left_ms = redis.call("PTTL", key)
  redis.call("PEXPIRE", key, string.format("%.0f", math.max(left_ms, math.ceil(lease_us / 1000))))
end
