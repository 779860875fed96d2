-- Asks the gates (gates.lua), on both ways of a request: `passes_at_once` in the rewrite phase, `check` in the access
-- phase. A request that a gate lets wait waits here until that gate passes it.
local access = require("slipway.gates.access")
local activation_requests = require("slipway.gates.activation_requests")
local gates = require("slipway.gates.gates")
local requeue = require("slipway.request.requeue")
local verdicts = require("slipway.gates.verdicts")
local waiting = require("slipway.gates.waiting")

local _M = {}

local REFUSE, REDIRECT, WAIT = verdicts.REFUSE, verdicts.REDIRECT, verdicts.WAIT

local first_repeated -- index of the first row that is asked again while a request waits
local release_all, undo_all -- call every gate's `release`, `undo`

local function never()
  return false
end

-- One function of `parameters` that calls all of these. It is made as source text, since LuaJIT compiles calls that
-- stand in a row into one trace, and a loop over functions into none.
local function compile(functions, parameters, before, between)
  local names, calls = {}, {}
  for i = 1, #functions do
    names[i] = "call_" .. i
    calls[i] = names[i] .. "(" .. parameters .. ")"
  end
  local source = "local " .. table.concat(names, ", ") .. " = ...\nreturn function(" .. parameters .. ")\n  "
    .. before .. table.concat(calls, between) .. "\nend"
  return assert(loadstring(source, "=gates"))(unpack(functions))
end

-- When a worker starts: makes both ways from the table. A table that breaks a rule of gates.lua raises.
function _M.start()
  local predicates, releases, undos = {}, { never }, { never } -- a table may have no gate that takes anything
  first_repeated = #gates + 1
  for i, gate in ipairs(gates) do
    assert(gate.check, "gate " .. tostring(gate.name) .. " has no check")
    assert(not gate.is_last or i == #gates, "gate " .. tostring(gate.name) .. " is not the last one")
    predicates[i] = gate.passes_at_once or never
    releases[#releases + 1], undos[#undos + 1] = gate.release, gate.undo
    first_repeated = gate.is_repeated and math.min(first_repeated, i) or first_repeated
  end
  _M.passes_at_once = compile(predicates, "ctx, entry", "return ", " and ")
  release_all, undo_all = compile(releases, "ctx", "", " "), compile(undos, "ctx", "", " ")
end

local function release(ctx, first, last)
  for i = first, last do
    local gate = gates[i]
    if gate.release then
      gate.release(ctx)
    end
  end
end

-- Asks the gates in these rows. Returns nil when all pass the request; or the verdict, its detail and its row.
local function ask(ctx, first, last)
  for i = first, last do
    local verdict, detail = gates[i].check(ctx, ctx.entry)
    if verdict then
      release(ctx, first_repeated, i - 1)
      return verdict, detail, i
    end
  end
end

-- Has the app activated that a request waits for, once.
local function activate(wait)
  if wait.detail == "no-ready-replica" and not wait.is_activated then
    wait.is_activated = true
    activation_requests.ask(wait.app)
  end
end

-- Asks the gates of a waiting request again, with the entry as it is now: the repeated ones. The gate of access is not
-- repeated, so a request whose entry has other policies now is refused. Returns whether the waiting is over.
local function look(wait)
  local current, why = access.current_entry(wait.ctx.entry)
  if not current then
    wait.verdict, wait.detail = REFUSE, why
    return true
  end
  if wait.detail ~= "app-busy" and not waiting.may_release(wait.host) then
    return false
  end
  wait.ctx.entry = current
  wait.verdict, wait.detail = ask(wait.ctx, wait.first, wait.last)
  activate(wait)
  return wait.verdict ~= WAIT
end

-- Waits until the gate in `row` passes the request; a repeated gate is asked with all that are repeated. Returns nil
-- and the last row that was asked; or a verdict and its detail.
local function wait_for(ctx, failure, row)
  local entry = ctx.entry
  local wait = {
    ctx = ctx, host = entry.host, app = entry.app, verdict = WAIT, detail = failure,
    first = math.min(row, first_repeated), last = row < first_repeated and row or #gates,
  }
  activate(wait)
  local ended = waiting.wait(ctx, wait.host, wait.app, requeue.limits(ctx, entry.waiting), function()
    return look(wait)
  end)
  if ended == "full" then
    return REFUSE, entry.waiting.requests > 0 and "waiting-room-full" or failure
  end
  if requeue.is_in_vain(ctx, wait.detail) then
    requeue.note_in_vain(ctx, entry)
  end
  if wait.verdict then
    return wait.verdict == WAIT and REFUSE or wait.verdict, wait.detail
  end
  if wait.is_activated then
    activation_requests.activated(wait.app)
  end
  return nil, wait.last
end

-- Access phase: returns nothing when the request may go to the target that is counted for it; or REDIRECT with where
-- to, or REFUSE with a failure's code. Whatever else a gate says refuses the request, too.
function _M.check(ctx)
  local verdict, detail, row = ask(ctx, 1, #gates)
  while verdict == WAIT do
    verdict, detail = wait_for(ctx, detail, row)
    if not verdict then
      verdict, detail, row = ask(ctx, detail + 1, #gates)
    end
  end
  if verdict and verdict ~= REDIRECT then
    return REFUSE, detail
  end
  return verdict, detail
end

-- Rewrite phase: takes back what gates took for a request that another one did not pass at once.
function _M.undo(ctx)
  undo_all(ctx)
end

-- Log phase, and before a redirect to a location: gives back whatever the request still has, but its target. Its client
-- may have left while it waited.
function _M.release(ctx)
  if ctx.ticket then
    waiting.leave(ctx)
  end
  release_all(ctx)
end

return _M
