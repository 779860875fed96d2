-- Fields of a hash in commands of a bounded size: what is spread over arguments must fit on the stack.
local _M = {}

local AT_ONCE = 200

local function in_parts(values, command)
  for first = 1, #values, AT_ONCE do
    command(unpack(values, first, math.min(first + AT_ONCE - 1, #values)))
  end
end

-- `fields`: names and values in turn.
function _M.hset(queued, key, fields)
  in_parts(fields, function(...)
    queued:hset(key, ...)
  end)
end

function _M.hdel(queued, key, names)
  in_parts(names, function(...)
    queued:hdel(key, ...)
  end)
end

return _M
