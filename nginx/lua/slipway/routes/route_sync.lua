-- Keeps the copy of the route table (docs/reference/edge-protocol.md): reads everything, then follows the stream, and
-- confirms a generation once shared memory holds all of it. Only the leader does this.
local cjson = require("cjson.safe")
local connection = require("slipway.worker.connection")
local leader = require("slipway.worker.leader")
local routes = require("slipway.routes.table")
local settings = require("slipway.worker.settings")

local _M = {}

local META, TABLE, DELTAS = "slipway:routes:meta", "slipway:routes:table", "slipway:routes:deltas"
local CONFIRMED = "slipway:edges:confirmed"

local state = ngx.shared.slipway_state

local BLOCK_MS = 500
local TIMEOUT_S = 5
local READ_AT_MOST = 1000
local CHECK_LEADER_S = 0.2
local BACKOFF_FIRST_S, BACKOFF_MOST_S = 0.1, 2
-- nginx frees what a timer allocated when it ends, so no timer runs forever.
local SESSION_S = 60

local position -- id of the last stream record read, while this worker's knowledge of the stream is unbroken
local seen = 0 -- records read of the generation that is coming in
local backoff_s = BACKOFF_FIRST_S

local function now_s()
  ngx.update_time()
  return ngx.now()
end

local function confirm(client)
  local epoch, generation = routes.held()
  local document = cjson.encode({ epoch = epoch, generation = generation, at = now_s() })
  local _, err = connection.transaction(client, function(queued)
    queued:hset(CONFIRMED, settings.edge_id, document)
    queued:publish(CONFIRMED, settings.edge_id)
  end)
  return err == nil, err
end

-- Epoch and generation of the table in Redis; nil for both when nothing is published.
local function published(meta)
  local generation = meta[2] ~= ngx.null and tonumber(meta[2]) or nil
  return generation and meta[1] ~= ngx.null and meta[1] or nil, generation
end

-- Redis may have lost what was published (empty, or restored from an older dump). Then the copy here is better than
-- what is there, until the agent publishes again.
local function is_behind(epoch, generation)
  local held_epoch, held_generation = routes.held()
  return not epoch or (epoch == held_epoch and generation < held_generation)
end

-- The whole table, with epoch and generation, and the stream's last id as of the same moment.
local function read_everything(client)
  local results, err = connection.transaction(client, function(queued)
    queued:hmget(META, "epoch", "generation")
    queued:hgetall(TABLE)
    queued:xrevrange(DELTAS, "+", "-", "COUNT", 1)
  end)
  if not results then
    return nil, err
  end
  local last = results[3][1]
  local epoch, generation = published(results[1])
  return {
    epoch = epoch,
    generation = generation,
    fields = results[2],
    position = last and last[1] or "0-0",
  }
end

local function synchronise(client)
  position, seen = nil, 0
  local meta, err = client:hmget(META, "epoch", "generation")
  if not meta then
    return nil, err
  end
  if is_behind(published(meta)) then
    return true
  end
  local read
  read, err = read_everything(client)
  if not read then
    return nil, err
  end
  if is_behind(read.epoch, read.generation) then
    return true
  end
  local ok
  ok, err = routes.replace(read.fields)
  if not ok then
    return nil, err
  end
  routes.hold(read.epoch, read.generation)
  position = read.position
  ngx.log(ngx.NOTICE, "holds ", #read.fields / 2, " routes, generation ", read.generation, " of epoch ", read.epoch)
  return confirm(client)
end

local function record_of(fields)
  local record = {}
  for i = 1, #fields, 2 do
    record[fields[i]] = fields[i + 1]
  end
  record.generation = tonumber(record.generation)
  return record
end

-- Applies one record. Returns whether a generation is complete; or nil when everything must be read anew.
local function take(record)
  local epoch, generation = routes.held()
  if record.epoch ~= epoch or not record.generation or record.generation > generation + 1 then
    return nil, "the stream has a gap"
  end
  if record.generation <= generation then
    return false
  end
  local ok, err = routes.put(record.host, record.entry or "")
  if not ok then
    return nil, err
  end
  seen = seen + 1
  if record.last ~= "1" then
    return false
  end
  local count = tonumber(record.count)
  if count and count ~= seen then
    return nil, "records of a generation are missing"
  end
  seen = 0
  routes.hold(epoch, record.generation)
  return true
end

local function take_all(records)
  local completed = false
  for _, item in ipairs(records) do
    local complete, err = take(record_of(item[2]))
    if complete == nil then
      return nil, err
    end
    position = item[1]
    completed = completed or complete
  end
  return completed
end

-- Whether Redis has another state than this copy, as after it was emptied, or when a generation changed no host. It is
-- called when nothing came for a while.
local function is_elsewhere(client)
  local meta, err = client:hmget(META, "epoch", "generation")
  if not meta then
    return nil, err
  end
  local epoch, generation = published(meta)
  local held_epoch, held_generation = routes.held()
  return epoch ~= held_epoch or generation ~= held_generation
end

local function idle(client)
  local elsewhere, err = is_elsewhere(client)
  if elsewhere == nil then
    return nil, err
  end
  if elsewhere then
    return synchronise(client)
  end
  return true
end

local function await(client)
  local streams, err = client:xread("COUNT", READ_AT_MOST, "BLOCK", BLOCK_MS, "STREAMS", DELTAS, position)
  if not streams then
    return nil, err
  end
  if streams == ngx.null then
    return idle(client)
  end
  local completed
  completed, err = take_all(streams[1][2])
  if completed == nil then
    ngx.log(ngx.NOTICE, "reads everything anew: ", err)
    return synchronise(client)
  end
  if completed then
    return confirm(client)
  end
  return true
end

-- One step: what to do next depends on whether the stream is known.
local function step(client)
  if position then
    return await(client)
  end
  local ok, err = synchronise(client)
  if ok and not position then
    ngx.sleep(BLOCK_MS / 1000)
  end
  return ok, err
end

local function note(err)
  local reported = state:get("redis")
  if err then
    position = nil
    if reported ~= err then
      ngx.log(ngx.ERR, "the route table can't be followed, serving from the copy: ", err)
    end
  elseif reported and reported ~= "connected" then
    ngx.log(ngx.NOTICE, "the route table is followed again")
  end
  state:set("redis", err or "connected")
end

local function follow()
  local client, err = connection.open(TIMEOUT_S)
  if not client then
    return nil, err
  end
  local ends_at = ngx.now() + SESSION_S
  while ngx.now() < ends_at and not ngx.worker.exiting() and leader.is_mine() do
    local ok
    ok, err = step(client)
    if not ok then
      client:close()
      return nil, err
    end
    note(nil)
    backoff_s = BACKOFF_FIRST_S
  end
  connection.keep(client)
  return true
end

local session

-- A timer that nginx refuses (it is exiting) needs no other: the next worker takes over.
local function again(delay_s)
  local ok, err = ngx.timer.at(delay_s, session)
  if not ok and err ~= "process exiting" then
    ngx.log(ngx.ERR, "ALARM: this worker no longer follows the route table: ", err)
  end
end

session = function(premature)
  if premature or ngx.worker.exiting() then
    return leader.resign()
  end
  if not leader.claim() then
    position = nil
    return again(CHECK_LEADER_S)
  end
  local ran, ok, err = pcall(follow)
  if not ran then
    ok, err = nil, ok
  end
  if ngx.worker.exiting() then
    return leader.resign()
  end
  if ok then
    return again(0)
  end
  note(err or "unknown")
  again(backoff_s)
  backoff_s = math.min(backoff_s * 2, BACKOFF_MOST_S)
end

function _M.start()
  again(0)
end

return _M
