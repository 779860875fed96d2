-- What a request has counted, found without ngx.ctx: nginx empties that when it leaves for an error page, and no log
-- phase follows of the location that it left. By the request's address, which stays the same, in the request's worker.
local ffi = require("ffi")
local base = require("resty.core.base")

local _M = {}

local contexts = {}

local function address()
  return tonumber(ffi.cast("uintptr_t", base.get_request()))
end

function _M.remember(ctx)
  contexts[address()] = ctx
end

-- The context that was remembered last, or nil. It is forgotten with that.
function _M.take()
  local key = address()
  local ctx = contexts[key]
  contexts[key] = nil
  return ctx
end

return _M
