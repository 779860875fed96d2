-- The client's address, for what is counted by client. A proxy in front is believed only when it is a trusted one:
-- nginx has put the address that it names in the connection's place by then.
local _M = {}

-- Of an IPv6 address its /64, from which a client can choose any address.
function _M.of_request()
  local address = ngx.var.binary_remote_addr
  if #address ~= 16 then
    return ngx.var.remote_addr
  end
  return (address:sub(1, 8):gsub(".", function(byte)
    return ("%02x"):format(byte:byte())
  end))
end

return _M
