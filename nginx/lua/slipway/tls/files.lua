-- Files that nginx' master reads.
local _M = {}

-- The whole file; or nil and why not. One of more than `most_bytes` is not read.
function _M.read(path, most_bytes)
  local file, err = io.open(path, "rb")
  if not file then
    return nil, err
  end
  local data
  data, err = file:read(most_bytes + 1)
  file:close()
  if not data then
    return nil, path .. (err and ": " .. err or " is empty")
  end
  if #data > most_bytes then
    return nil, path .. " has more than " .. most_bytes .. " bytes"
  end
  return data
end

function _M.exists(path)
  local file, _, number = io.open(path, "rb")
  if file then
    file:close()
  end
  return file ~= nil or number ~= 2 -- ENOENT
end

return _M
