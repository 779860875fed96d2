-- Scripts that Redis runs. Redis knows a script by its digest; after a restart, or SCRIPT FLUSH, it gets the source
-- again.
local _M = {}

local function read(name)
  local path = ngx.config.prefix() .. "lua/slipway/limits/" .. name .. ".lua"
  local file = assert(io.open(path, "r"))
  local source = file:read("*a")
  file:close()
  return source
end

-- Reads the sources of these names, when a worker starts; returns the script that has them one after the other.
function _M.load(...)
  local parts = { ... }
  for i, name in ipairs(parts) do
    parts[i] = read(name)
  end
  local source = table.concat(parts)
  local digest = ngx.sha1_bin(source):gsub(".", function(byte)
    return ("%02x"):format(byte:byte())
  end)
  return { source = source, digest = digest }
end

-- Runs it with the arguments of EVAL; returns its reply, or nil and the error.
function _M.run(client, script, ...)
  local reply, err = client:evalsha(script.digest, ...)
  if not reply and err and err:find("^NOSCRIPT") then
    reply, err = client:eval(script.source, ...)
  end
  return reply or nil, err
end

return _M
