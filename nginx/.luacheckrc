std = "ngx_lua"
max_line_length = 120
read_globals = { "slipway" }
files["lua/init.lua"] = { globals = { "slipway" } }
files["spec"] = { std = "ngx_lua+busted", max_line_length = 120 }
