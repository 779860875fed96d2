-- SHA-256, in hexadecimal digits.
local resty_string = require("nginx.string")
local sha256 = require("nginx.sha256")

local _M = {}

function _M.of(text)
  local digest = sha256:new()
  digest:update(text)
  return resty_string.to_hex(digest:final())
end

return _M
