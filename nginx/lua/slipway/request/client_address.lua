-- The client's address, for what is counted by client. A proxy in front is believed only when it is a trusted one:
-- nginx has put the address that it names in the connection's place by then.
local _M = {}

-- What stands before an IPv4 address in an IPv6 one: ::ffff:0:0/96 (mapped), 64:ff9b::/96 (NAT64, RFC 6052).
local BEFORE_IPV4 = {
  [("\0"):rep(10) .. "\255\255"] = true,
  ["\0\100\255\155" .. ("\0"):rep(8)] = true,
}

local function in_digits(byte)
  return ("%02x"):format(byte:byte())
end

-- Of an IPv6 address its /64, from which a client can choose any address. An IPv4 address that is written as an IPv6
-- one is the IPv4 address.
function _M.of_request()
  local address = ngx.var.binary_remote_addr
  if #address ~= 16 then
    return ngx.var.remote_addr
  end
  if BEFORE_IPV4[address:sub(1, 12)] then
    return table.concat({ address:byte(13, 16) }, ".")
  end
  return (address:sub(1, 8):gsub(".", in_digits))
end

return _M
