std = "ngx_lua"
max_line_length = 120
read_globals = { "slipway" }
files["lua/init.lua"] = { globals = { "slipway" } }
