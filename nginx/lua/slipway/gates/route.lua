-- The first gate: finds the entry that all others judge the request by.
local routes = require("slipway.routes.table")
local settings = require("slipway.worker.settings")
local verdicts = require("slipway.gates.verdicts")
local waiting = require("slipway.gates.waiting")

local _M = {}

local FIRST_TABLE = {
  requests = 10000,
  bytes = 64 * 1024 * 1024,
  timeout_s = settings.first_table_s or 10, -- a busy host needs some seconds after nginx was killed
}

-- A new edge holds no table for a moment: a request waits for the first full read, whatever its host is.
local function wait_for_first_table(ctx, host)
  local entry, failure
  waiting.wait(ctx, "", "", FIRST_TABLE, function()
    entry, failure = routes.entry(host)
    return failure ~= "edge-starting"
  end)
  return entry, failure or "edge-starting"
end

function _M.check(ctx)
  local host = ngx.var.host
  local entry, failure = routes.entry(host)
  if failure == "edge-starting" then
    entry, failure = wait_for_first_table(ctx, host)
  end
  if not entry then
    return verdicts.REFUSE, failure
  end
  ngx.var.slipway_app = entry.app
  ctx.entry = entry
end

function _M.passes_at_once(_, entry)
  return entry ~= nil
end

return _M
