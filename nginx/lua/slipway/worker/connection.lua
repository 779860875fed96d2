-- Redis: a connection from the pool or a new one, authenticated. Replies that are errors are returned as errors.
local redis = require("nginx.redis")
local settings = require("slipway.worker.settings")

local _M = {}

local IDLE_MS, POOL = 30000, 64 -- of a worker; a request of an app with limits needs one

local function dial(client)
  local where = settings.redis
  if where.socket then
    return client:connect("unix:" .. where.socket)
  end
  return client:connect(where.host, where.port)
end

local function authenticate(client)
  local where = settings.redis
  if client:get_reused_times() > 0 then
    return true
  end
  if where.password then
    local ok, err
    if where.username then
      ok, err = client:auth(where.username, where.password)
    else
      ok, err = client:auth(where.password)
    end
    if not ok then
      return nil, err
    end
  end
  if where.db and where.db ~= 0 then
    return client:select(where.db)
  end
  return true
end

-- Returns a client whose every command may take `timeout_s`; or nil and the error.
function _M.open(timeout_s)
  local client, err = redis:new()
  if not client then
    return nil, err
  end
  client:set_timeout(timeout_s * 1000)
  local ok
  ok, err = dial(client)
  if ok then
    ok, err = authenticate(client)
  end
  if not ok then
    client:close()
    return nil, err
  end
  return client
end

function _M.keep(client)
  local ok = client:set_keepalive(IDLE_MS, POOL)
  if not ok then
    client:close()
  end
end

-- Runs `queue` (a function that issues commands) as one MULTI in one round trip; returns the replies, or nil and the
-- first error.
function _M.transaction(client, queue)
  client:init_pipeline()
  client:multi()
  queue(client)
  client:exec()
  local replies, err = client:commit_pipeline()
  if not replies then
    return nil, err
  end
  for _, reply in ipairs(replies) do
    if type(reply) == "table" and reply[1] == false then
      return nil, reply[2]
    end
  end
  local results = replies[#replies]
  if type(results) ~= "table" then
    return nil, "the transaction was not carried out"
  end
  for _, result in ipairs(results) do
    if type(result) == "table" and result[1] == false then
      return nil, result[2]
    end
  end
  return results
end

return _M
