-- The route table's copy in shared memory: host -> entry (JSON), and a version that grows after every change. A worker
-- keeps the entries that it read, and every request compares versions. So all workers, also those that a reload left to
-- finish, see a change at the same moment, and looking an entry up costs reading one number, however many routes there
-- are.
local reader = require("slipway.routes.entry")
local process = require("slipway.worker.process")
local failure_state = require("slipway.balancing.failure_state")

local _M = {}

local entries = ngx.shared.slipway_routes
local state = ngx.shared.slipway_state

local VERSION = "table_version"
local KEPT_MOST = 20000
local VIEWS_MOST = 2000
local YIELD_EVERY = 500

local kept, kept_count = {}, 0 -- host -> entry, which has its host and the version at which it was last compared
local wildcards = {} -- `*.parent` -> entry
local views, views_count = {}, 0 -- host -> the entry of its wildcard, as that host's own

-- What no host is made of is no host, whatever the table says: who sends it has to hear so, in any table's absence.
local function is_host(text)
  return text:find("^[%w._-]+$") ~= nil or text:find("^%[[%x:.]+%]$") ~= nil
end

local function why_missing(host)
  if not is_host(host) then
    return "bad-request"
  end
  return state:get("complete") and "unknown-host" or "edge-starting"
end

local function changed()
  state:incr(VERSION, 1, 0)
end

local function forget(host)
  if kept[host] then
    kept[host], kept_count = nil, kept_count - 1
  end
end

local function keep(host, entry)
  if kept_count >= KEPT_MOST then
    kept, kept_count = {}, 0
  end
  if not kept[host] then
    kept_count = kept_count + 1
  end
  kept[host], entry.host = entry, host
end

local function read(host, raw)
  local entry, why = reader.read(raw)
  if not entry then
    ngx.log(ngx.ERR, "the route of ", host, " can't be read: ", why, ": ", raw)
  end
  return entry
end

-- Nobody's host has a star in it: what a client sends must not name a wildcard's entry.
local function is_wildcard(host)
  return host:byte() == 42
end

local function wildcard_of(host)
  local dot = host:find(".", 2, true)
  return dot and is_host(host) and "*" .. host:sub(dot) or nil
end

local function wildcard_entry(wildcard, raw)
  local entry = wildcards[wildcard]
  if not entry or entry.raw ~= raw then
    entry = read(wildcard, raw)
    wildcards[wildcard] = entry
    if entry then
      entry.wildcard, entry.views = wildcard, { __index = entry, __newindex = entry }
      entry.access_views = { __index = entry.access }
    end
  end
  return entry
end

-- Policies that are another table for each host: a verdict on who calls holds for one (identity/verdicts.lua).
local function access_of(entry)
  return type(entry.access) == "table" and setmetatable({}, entry.access_views) or entry.access
end

-- The entry of a wildcard with a host of its own: what is asked by host (who signs in, who waits, whether the entry
-- still stands) is asked by that one. What is counted in the entry is counted once. Whoever sends many hosts has no
-- other host's entry forgotten.
local function view_of(entry, host, version)
  local view = views[host]
  if not view or getmetatable(view) ~= entry.views then
    if views_count >= VIEWS_MOST then
      views, views_count = {}, 0
    end
    views_count = views_count + (views[host] and 0 or 1)
    view = setmetatable({ host = host, access = access_of(entry), version = version }, entry.views)
    views[host] = view
  end
  view.version = version
  return view
end

-- For a host without an entry. Where the table is not complete the host may have one.
local function look_up_wildcard(host, version)
  local wildcard = state:get("complete") and wildcard_of(host)
  local raw = wildcard and entries:get(wildcard)
  if not raw then
    wildcards[wildcard or ""] = nil
    return nil, why_missing(host)
  end
  local entry = wildcard_entry(wildcard, raw)
  if not entry then
    return nil, "broken-route"
  end
  return view_of(entry, host, version)
end

-- The version was read before the entry: a change between the two is seen by the next request.
local function look_up(host, version)
  local raw = not is_wildcard(host) and entries:get(host)
  if not raw then
    forget(host)
    return look_up_wildcard(host, version)
  end
  local entry = kept[host]
  if not entry or entry.raw ~= raw then
    entry = read(host, raw)
    if not entry then
      forget(host)
      return nil, "broken-route"
    end
    keep(host, entry)
  end
  entry.version = version
  return entry
end

-- The host's entry as it is now; or nil and the failure's code.
function _M.entry(host)
  if process.is_orphan() then
    return nil, "service-unavailable"
  end
  local version = state:get(VERSION)
  local entry = kept[host] or views[host]
  if entry and entry.version == version then
    return entry
  end
  return look_up(host, version)
end

-- The host's entry as this worker read it last. The caller has to ask `is_current` before it relies on it.
function _M.last_read(host)
  return kept[host] or views[host] or _M.entry(host)
end

function _M.is_current(entry)
  if process.is_orphan() then
    return false
  end
  local version = state:get(VERSION)
  if version == entry.version then
    return true
  end
  local raw = entries:get(entry.host)
  if entry.wildcard and not raw and state:get("complete") then
    raw = entries:get(entry.wildcard)
  end
  if raw ~= entry.raw then
    return false
  end
  entry.version = version
  return true
end

local function targets_of(raw)
  local entry = raw and reader.read(raw)
  return entry and entry.targets or {}
end

-- A target that comes back to the table was started anew and passed its probe: its failures are those of what ran
-- before.
local function forget_failures(host, raw)
  local before = entries:get(host)
  if failure_state.are_none() or before == raw then
    return
  end
  local known = {}
  for _, target in ipairs(targets_of(before)) do
    known[target.id] = true
  end
  for _, target in ipairs(targets_of(raw)) do
    if not known[target.id] then
      failure_state.succeed(target.failure_key)
    end
  end
end

-- Stores one entry. An empty entry removes the host; an empty host changes nothing. When the entry does not fit into
-- memory the table is incomplete until a full read succeeds: a host that is missing from it may exist.
function _M.put(host, raw)
  if host == "" then
    return true
  end
  if raw == "" then
    entries:delete(host)
    changed()
    return true
  end
  forget_failures(host, raw)
  local ok, err = entries:safe_set(host, raw)
  changed()
  if not ok then
    state:set("complete", false)
    ngx.log(ngx.ERR, "ALARM: the route of ", host, " does not fit into shared memory (", err,
      "): enlarge lua_shared_dict slipway_routes")
    return nil, err
  end
  return true
end

-- Replaces everything by `table_fields` (host, entry, host, entry, …). Hosts that are gone are removed first, which
-- makes room.
function _M.replace(table_fields)
  local present = {}
  for i = 1, #table_fields, 2 do
    present[table_fields[i]] = true
  end
  for _, host in ipairs(entries:get_keys(0)) do
    if not present[host] then
      entries:delete(host)
    end
  end
  changed()
  for i = 1, #table_fields, 2 do
    local ok, err = _M.put(table_fields[i], table_fields[i + 1])
    if not ok then
      return nil, err
    end
    if i % (2 * YIELD_EVERY) == 1 then
      ngx.sleep(0.001) -- nginx warns at each sleep of 0
    end
  end
  return true
end

-- The epoch and generation that shared memory holds in full, and since when (Unix seconds).
function _M.held()
  return state:get("epoch"), state:get("generation"), state:get("held_since")
end

function _M.hold(epoch, generation)
  ngx.update_time()
  state:set("held_since", ngx.now())
  state:set("epoch", epoch)
  state:set("generation", generation)
  state:set("complete", true)
end

function _M.is_complete()
  return state:get("complete") == true
end

function _M.count()
  return #entries:get_keys(0)
end

return _M
