std = "ngx_lua"
max_line_length = 120
read_globals = { "slipway" }
files["lua/init.lua"] = { globals = { "slipway" } }
files["spec"] = { std = "ngx_lua+busted", max_line_length = 120 }
-- Redis runs these two.
files["lua/slipway/limits/take.lua"] = { std = "lua51", read_globals = { "redis", "KEYS", "ARGV" } }
files["lua/slipway/limits/renew.lua"] = { std = "lua51", read_globals = { "redis", "KEYS", "ARGV" } }
