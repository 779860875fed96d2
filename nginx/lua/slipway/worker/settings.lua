-- This installation's values: settings.json in the edge's folder, written by slipway/host/edge.py.
local cjson = require("cjson.safe")

local _M = {}

function _M.load(path)
  local file = assert(io.open(path, "r"))
  local text = file:read("*a")
  file:close()
  for name, value in pairs(assert(cjson.decode(text))) do
    _M[name] = value
  end
end

return _M
