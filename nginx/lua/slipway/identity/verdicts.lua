-- Who calls, as the router said it some seconds ago at most. Verdicts are in shared memory, and those of known callers
-- also in the worker that used them last, by the header that has their credentials. The router is asked once for all
-- requests of an edge that wait for the same verdict. What went wrong is never kept.
local cjson = require("cjson.safe")
local credentials_of = require("slipway.identity.credentials")
local digests = require("slipway.identity.digests")
local lrucache = require("resty.lrucache")
local cookies = require("slipway.request.cookies")
local process = require("slipway.worker.process")
local request_headers = require("slipway.request.request_headers")
local router_client = require("slipway.identity.router_client")
local semaphore = require("ngx.semaphore")
local verdict_of = require("slipway.identity.verdict")
local versions = require("slipway.identity.versions")

local _M = {}

local shared = ngx.shared.slipway_verdicts

local HELD_MOST, HELD_HEADER_MOST = 4096, 4096 -- verdicts by room, bytes of a header
local WAIT_S = router_client.TIMEOUT_S + 1
local LOCKED_S = router_client.TIMEOUT_S + 0.5 -- a killed worker's question is asked by another one after that
local LOOK_EVERY_S = 0.005
local RECENT_S = 1

local held = {} -- room -> header -> { access, verdict }
local flights = {} -- key -> the question that this worker asks now: { key, done, waiting, outcome, lock }

-- When a worker starts.
function _M.start()
  for _, room in ipairs({ "bearer", "http", "https" }) do
    held[room] = assert(lrucache.new(HELD_MOST))
  end
end

-- Whether a verdict may be used now.
function _M.is_good(verdict)
  return verdict_of.is_fresh(verdict, ngx.now()) and versions.stands(verdict)
end

-- Whether the request that it was asked for may go on with it: however short it lasts, it is used for a moment.
function _M.still_holds(verdict)
  local is_recent = ngx.now() - verdict.began_s < RECENT_S
  return (is_recent or verdict_of.is_fresh(verdict, ngx.now())) and versions.stands(verdict)
end

local function held_of_request()
  local headers, count = request_headers.read()
  local authorization = request_headers.value("authorization", "http_authorization", headers, count)
  local found = authorization and held.bearer:get(authorization)
  if found or authorization and credentials_of.is_bearer(authorization) then
    return found
  end
  local cookie = request_headers.value("cookie", "http_cookie", headers, count)
  return cookie and held[ngx.var.slipway_proto]:get(cookie)
end

-- The verdict on the request's caller that this worker holds for an entry's policies; nil without a good one. It waits
-- for nothing.
function _M.cached(access)
  local found = held_of_request()
  if found and found.access == access and _M.is_good(found.verdict) then
    return found.verdict
  end
  return nil
end

local function hold(access, verdict)
  local credentials = verdict.credentials
  if verdict.known and #credentials.header <= HELD_HEADER_MOST then
    credentials.rest = credentials.cookie and cookies.rest_of(credentials.header)
    held[credentials.room]:set(credentials.header, { access = access, verdict = verdict })
  end
end

-- Entries of one host with other policies, or of another app, have other verdicts.
local function key_of(entry, credentials)
  local access = entry.access
  access.policies_digest = access.policies_digest or digests.of(cjson.encode(access.policies))
  return table.concat({
    entry.host, entry.tenant, entry.name, entry.app, access.policies_digest, credentials_of.digest(credentials),
  }, "|")
end

local function keep(key, verdict, body)
  local for_s = verdict.until_s - ngx.now()
  if for_s > 0 then
    shared:set(key, verdict.version .. " " .. verdict.began_s .. "\n" .. body, for_s)
  end
end

local function kept(question)
  local version, began_s, body = (shared:get(question.key) or ""):match("^(%d+) ([%d.]+)\n(.*)$")
  local policies = #question.entry.access.policies
  local verdict = version and verdict_of.read(body, policies, tonumber(began_s), tonumber(version))
  return verdict and _M.is_good(verdict) and verdict or nil
end

local function ask_router(question)
  local entry, credentials, asker = question.entry, question.credentials, question.asker
  local version = versions.now()
  ngx.update_time()
  local began_s = ngx.now()
  local status, body = router_client.post("/internal/authorize", {
    host = entry.host, app = entry.app, name = entry.name, tenant = entry.tenant, policies = entry.access.policies,
    cookie = credentials.cookie or cjson.null, bearer = credentials.bearer or cjson.null,
    address = asker.address, request_id = asker.request_id,
  })
  if status ~= 200 then
    return nil, status and "it answers " .. status or body
  end
  local verdict, why = verdict_of.read(body, #entry.access.policies, began_s, version)
  if not verdict then
    return nil, "its verdict can't be understood: " .. why
  end
  keep(question.key, verdict, body)
  return verdict
end

-- Asks, unless another worker does: then waits for what that one gets. Returns the verdict, or nil and why there is
-- none.
local function ask(flight, question)
  local lock, ends_s = "asking " .. question.key, ngx.now() + WAIT_S
  repeat
    local is_mine, err = shared:add(lock, process.instance(), LOCKED_S)
    flight.lock = is_mine and lock or nil
    local verdict = kept(question) -- the worker that had the lock may have got it just now
    if verdict then
      return verdict
    elseif is_mine or err ~= "exists" then
      return ask_router(question)
    end
    ngx.sleep(LOOK_EVERY_S)
  until ngx.now() >= ends_s
  return nil, "another worker waits for it for too long"
end

-- Ends the question that the request asked for all that wait for it: also in the log phase, when its client left.
function _M.release(ctx)
  local flight = ctx.flight
  if not flight then
    return
  end
  ctx.flight = nil
  flights[flight.key] = nil
  if flight.lock then
    shared:delete(flight.lock)
  end
  if flight.waiting > 0 then
    flight.done:post(flight.waiting)
  end
end

-- The outcome of the question. When another request of this worker asks it already, that one's; nil when its client
-- left.
local function outcome_of(ctx, question)
  local flight = flights[question.key]
  if flight then
    flight.waiting = flight.waiting + 1
    flight.done:wait(WAIT_S)
    return flight.outcome
  end
  flight = { key = question.key, done = semaphore.new(), waiting = 0 }
  flights[question.key], ctx.flight = flight, flight
  local verdict, err = ask(flight, question)
  flight.outcome = { verdict = verdict, err = err }
  _M.release(ctx)
  return flight.outcome
end

-- The verdict with the credentials of one request: others with the same session may have waited for it, whose headers
-- have other cookies beside.
local function with_credentials(verdict, credentials)
  if verdict.credentials then
    local other = {}
    for name, value in pairs(verdict) do
      other[name] = value
    end
    verdict = other
  end
  verdict.credentials = credentials
  return verdict
end

-- The verdict on these credentials at the entry's app; or nil and why there is none. `asker`: address and request_id,
-- for the router's log. A verdict that was asked for just now may be used once, however short it lasts.
function _M.of(ctx, entry, credentials, asker)
  local question = { key = key_of(entry, credentials), entry = entry, credentials = credentials, asker = asker }
  local why, ends_s = "the requests that asked were given up", ngx.now() + WAIT_S
  repeat
    local verdict = kept(question)
    local outcome = not verdict and outcome_of(ctx, question)
    if outcome then
      verdict, why = outcome.verdict, outcome.err or "callers change faster than they can be asked about"
      if not verdict then
        return nil, why
      end
    end
    if verdict and versions.stands(verdict) then
      verdict = with_credentials(verdict, credentials)
      hold(entry.access, verdict)
      return verdict
    end
  until ngx.now() >= ends_s
  return nil, why
end

return _M
