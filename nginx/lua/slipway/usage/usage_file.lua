-- Usage records that Redis did not have when nginx ended, for the next nginx to send: one a line, with the life that
-- counted it. Appended, so that a life that could not send them adds its own.
local _M = {}

local PATH = ngx.config.prefix() .. "usage/unsent"

-- `records`: { { sequence, text }, … }
function _M.append(boot, records)
  local file, err = io.open(PATH, "a")
  if not file then
    return nil, err
  end
  for _, record in ipairs(records) do
    file:write(boot, "\t", string.format("%.0f", record[1]), "\t", record[2], "\n")
  end
  return file:close()
end

-- { { boot, sequence (text), record }, … }; a last line that was not written to its end is left out.
function _M.load()
  local file = io.open(PATH, "r")
  if not file then
    return {}
  end
  local found = {}
  for boot, sequence, record in (file:read("*a") or ""):gmatch("(%x+)\t(%d+)\t([^\n]+)\n") do
    found[#found + 1] = { boot, sequence, record }
  end
  file:close()
  return found
end

function _M.remove()
  return os.remove(PATH)
end

return _M
