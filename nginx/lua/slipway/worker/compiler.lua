-- How LuaJIT compiles a request's way through a phase: into one trace, at every start of a worker. It begins with the
-- function that is called often first, another one at each start. So two things must not be on that way:
--
-- - A loop. A trace that meets one is given up, in the hope for a trace of the loop alone; after ten tries its
--   function is interpreted for good. A function that calls itself last (`return find(i + 1)`) takes the loop's place:
--   it becomes a part of its caller's trace. Loops that few requests come to do no harm.
-- - A call of a built-in function, or of one in C, as the last thing that a function does (`return tonumber(text)`).
--   Such a function can't be compiled by itself; after ten tries nothing that calls it is compiled any more. In
--   parentheses (`return (tonumber(text))`) the call is no longer the last thing.
local _M = {}

-- The first two are how many such last calls a trace may have. It has 500 constants at most by default, and a signed-in
-- person's more.
local PARAMETERS = { "loopunroll=100", "recunroll=100", "maxirconst=4000" }

-- Functions of resty.core that end in a built-in one, and that requests call.
local function replace_functions()
  local variables, now, start_time = getmetatable(ngx.var), ngx.now, ngx.req.start_time
  local read = variables.__index
  function variables.__index(var, name)
    return (read(var, name))
  end
  rawset(ngx, "now", function()
    return (now())
  end)
  rawset(ngx.req, "start_time", function()
    return (start_time())
  end)
end

-- In the master, before any module keeps one of these functions.
function _M.start()
  jit.opt.start(unpack(PARAMETERS))
  replace_functions()
end

return _M
