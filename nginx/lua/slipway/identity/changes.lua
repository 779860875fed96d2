-- Follows whose identity changes (docs/reference/edge-protocol.md): the leader alone, over a connection of its own.
-- Where it can't be sure to have read everything all verdicts fall: the stream was cut, or is another than before.
local connection = require("slipway.worker.connection")
local leader = require("slipway.worker.leader")
local versions = require("slipway.identity.versions")

local _M = {}

local CHANGES = "slipway:identity:changes"
local KINDS = { person = true, session = true, token = true }

local state = ngx.shared.slipway_state

local POSITION = "identity position" -- id of the last record that was read; the next leader goes on there
local EMPTY = "0-0" -- the position in a stream without records
local FOLLOWED = "identity changes"
local BLOCK_MS, TIMEOUT_S, READ_AT_MOST = 500, 5, 1000
local SESSION_S = 60 -- nginx frees what a timer allocated when it ends
local CHECK_LEADER_S = 0.1
local BACKOFF_FIRST_S, BACKOFF_MOST_S = 0.1, 2

local backoff_s, tries_at_s = BACKOFF_FIRST_S, 0

-- Ends the verdicts that a record is about. One that can't be understood may be about anybody.
function _M.apply(fields)
  local subject = type(fields) == "table" and #fields == 2 and fields[1] == "subject" and fields[2]
  if subject and KINDS[subject:match("^(%w+):.")] then
    return versions.change(subject)
  end
  if subject ~= "all" then
    ngx.log(ngx.ERR, "a change of identity can't be understood: all callers are asked about anew")
  end
  return versions.change_all()
end

local function lose(why)
  ngx.log(ngx.NOTICE, "all callers are asked about anew: ", why)
  state:delete(POSITION)
  versions.change_all()
end

local function begin(client)
  local last, err = client:xrevrange(CHANGES, "+", "-", "COUNT", 1)
  if not last then
    return nil, err
  end
  state:set(POSITION, last[1] and last[1][1] or EMPTY)
  versions.change_all() -- what came before is unknown
  return true
end

-- Whether nothing is missing between a position and the records that were read from there. The oldest are cut off
-- first: while the record of the position is there, all after it are. In a stream that was empty it is the first record
-- that has to be there.
local function is_whole(client, position, records)
  local first = position == EMPTY and records[1][1] or position
  local oldest = position == EMPTY and "-" or position
  local found, err = client:xrange(CHANGES, oldest, first, "COUNT", 1)
  if not found then
    return nil, err
  end
  return #found > 0 and found[1][1] == first
end

local function await(client, position)
  local streams, err = client:xread("COUNT", READ_AT_MOST, "BLOCK", BLOCK_MS, "STREAMS", CHANGES, position)
  if not streams then
    return nil, err
  end
  local records = streams ~= ngx.null and streams[1][2] or {}
  for _, record in ipairs(records) do
    _M.apply(record[2])
  end
  if position == EMPTY and #records == 0 then
    return true
  end
  local all_came
  all_came, err = is_whole(client, position, records)
  if all_came == nil then
    return nil, err
  elseif not all_came then
    lose("the stream of changes is not what it was")
  elseif #records > 0 then
    state:set(POSITION, records[#records][1])
  end
  return true
end

local function step(client)
  local position = state:get(POSITION)
  if position then
    return await(client, position)
  end
  return begin(client)
end

local function note(err)
  local noted = state:get(FOLLOWED)
  if err and noted ~= err then
    ngx.log(ngx.ERR, "changes of identity can't be followed, verdicts last for some seconds: ", err)
  elseif not err and noted and noted ~= "followed" then
    ngx.log(ngx.NOTICE, "changes of identity are followed again")
  end
  state:set(FOLLOWED, err or "followed")
end

local function follow()
  ngx.update_time()
  if ngx.now() < tries_at_s then
    return true
  end
  local client, err = connection.open(TIMEOUT_S)
  if not client then
    return nil, err
  end
  local ends_at_s = ngx.now() + SESSION_S
  while ngx.now() < ends_at_s and not ngx.worker.exiting() and leader.is_mine() do
    local ok
    ok, err = step(client)
    if not ok then
      client:close()
      return nil, err
    end
    note(nil)
    backoff_s = BACKOFF_FIRST_S
    ngx.update_time()
  end
  connection.keep(client)
  return true
end

local function ended(ok, err)
  if not ok then
    note(err or "unknown")
    tries_at_s = ngx.now() + backoff_s
    backoff_s = math.min(2 * backoff_s, BACKOFF_MOST_S)
  end
end

-- "followed" or the last error, and the record that was read last.
function _M.state()
  return state:get(FOLLOWED) or "not tried yet", state:get(POSITION)
end

-- When a worker starts.
function _M.start()
  leader.every(CHECK_LEADER_S, { name = "following changes of identity", work = follow, ended = ended })
end

return _M
