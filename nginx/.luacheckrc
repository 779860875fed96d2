std = "ngx_lua"
max_line_length = 120
read_globals = { "slipway" }
files["lua/init.lua"] = { globals = { "slipway" } }
files["spec"] = { std = "ngx_lua+busted", max_line_length = 120 }
-- Redis runs these. What begins the first is there for those that follow it (scripts.lua), and not used in itself.
local redis = { std = "lua51", read_globals = { "redis", "KEYS", "ARGV" } }
local after_rate_debt = {
  std = "lua51",
  read_globals = { "redis", "KEYS", "ARGV", "now_us", "whole", "read_debt", "write_debt", "left_of_debt" },
}
files["lua/slipway/limits/renew.lua"] = redis
files["lua/slipway/limits/rate_debt.lua"] = { std = redis.std, read_globals = redis.read_globals, ignore = { "211" } }
files["lua/slipway/limits/take.lua"] = after_rate_debt
files["lua/slipway/limits/reserve.lua"] = after_rate_debt
