-- Which worker processes are alive. An instance is "<pid>.<start, in clock ticks>": a pid alone may come again.
local ffi = require("ffi")

local _M = {}

local PR_SET_DUMPABLE = 4

ffi.cdef([[
int getppid(void);
int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d);
]])

-- The process leaves no core dump, and no other process of its user reads its memory, which has private keys. nginx
-- allows both to its workers.
function _M.hide_memory()
  if ffi.C.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) ~= 0 then
    ngx.log(ngx.ERR, "other processes of this user may read this one's memory: prctl failed")
  end
end

local DEAD = { X = true, Z = true }

-- Reads field 22 of /proc/<pid>/stat. The command's name stands in parentheses and may hold anything, so fields are
-- counted from the last closing one, which field 3 (the state) follows.
local function started(pid)
  local file = io.open("/proc/" .. pid .. "/stat", "r")
  if not file then
    return nil
  end
  local stat = file:read("*a") or ""
  file:close()
  local state, rest = stat:match("^.*%) (%a) (.*)$")
  if not state or DEAD[state] then
    return nil
  end
  local field = 3
  for value in rest:gmatch("%S+") do
    field = field + 1
    if field == 22 then
      return value
    end
  end
  return nil
end

local own_pid, own_instance

function _M.instance()
  local pid = ngx.worker.pid()
  if own_pid ~= pid then
    own_pid, own_instance = pid, pid .. "." .. (started(pid) or "0")
  end
  return own_instance
end

local FOREVER_S = 10 * 365 * 86400
-- What was accepted before the master was killed is served for so long: the table was current then, and the edge that
-- could confirm a newer one has yet to start.
local ORPHAN_SERVES_S = 0.5

local master, ends_since

-- When a worker starts.
function _M.note_master()
  master = ffi.C.getppid()
  -- nginx runs all timers at once when the worker begins to exit
  ngx.timer.at(FOREVER_S, function()
    ngx.update_time()
    ends_since = ngx.now()
  end)
end

-- Whether this worker is only finishing its requests because its master was killed: then its shared memory is outdated.
function _M.is_orphan()
  return ngx.worker.exiting() and ffi.C.getppid() ~= master
    and ends_since ~= nil and ngx.now() - ends_since >= ORPHAN_SERVES_S
end

function _M.is_alive(instance)
  if instance == _M.instance() then
    return true
  end
  local pid, start = instance:match("^(%d+)%.(%d+)$")
  return pid ~= nil and started(pid) == start
end

return _M
