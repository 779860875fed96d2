-- GET /metrics: everything that is counted, in Prometheus' text format (docs/reference/edge-metrics.md).
local failures = require("slipway.responses.failures")
local inflight = require("slipway.balancing.inflight")
local metrics = require("slipway.metrics.metrics")
local redis_health = require("slipway.limits.redis_health")
local routes = require("slipway.routes.table")
local failure_state = require("slipway.balancing.failure_state")
local worker_counts = require("slipway.metrics.worker_counts")
local all_series = require("slipway.metrics.series")
local usage = require("slipway.usage.usage")
local usage_stream = require("slipway.usage.usage_stream")
local certificates = require("slipway.tls.store")
local waiting = require("slipway.gates.waiting")

local _M = {}

local PREFIX = "slipway_edge_"
local YIELD_EVERY, YIELD_S = 200, 0.001
local CLASSES = 5
local IN, OUT, MS = 6, 7, 8 -- in metrics.FIELDS

local ESCAPES = { ["\\"] = "\\\\", ["\n"] = "\\n", ['"'] = '\\"' }

local function label(text)
  return (tostring(text):gsub('[\\\n"]', ESCAPES))
end

-- tostring is quick, and exact for whole numbers of up to 14 digits.
local function number(value)
  if value < 1e14 and value == math.floor(value) then
    return tostring(value)
  end
  return string.format(value == math.floor(value) and "%.0f" or "%.15g", value)
end

local function sorted(named)
  local names = {}
  for name in pairs(named) do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

local Page = {}
Page.__index = Page

function Page:family(name, kind, help)
  self[#self + 1] = "# HELP " .. PREFIX .. name .. " " .. help .. "\n# TYPE " .. PREFIX .. name .. " " .. kind .. "\n"
end

function Page:sample(name, labels, value)
  self[#self + 1] = PREFIX .. name .. (labels ~= "" and "{" .. labels .. "} " or " ") .. number(value) .. "\n"
end

-- Calls `each` for every item, and lets other requests run in between.
local function over(items, each)
  for i, item in ipairs(items) do
    each(item)
    if i % YIELD_EVERY == 0 then
      ngx.sleep(YIELD_S)
    end
  end
end

local function collect()
  local found, apps, seen = all_series.all(), {}, {}
  table.sort(found, function(a, b)
    return a.name < b.name
  end)
  over(found, function(series)
    local app = seen[series.app]
    if not app then
      local about = all_series.about(series.app)
      app = {
        id = series.app,
        host = about.host,
        labels = string.format('app="%s",tenant="%s"', label(about.name), label(about.tenant)),
      }
      seen[series.app] = app
      apps[#apps + 1] = app
    end
    series.labels = app.labels .. ',replica="' .. label(series.target) .. '"'
  end)
  return found, apps
end

local function classes(page, name, labels, values)
  for class = 1, CLASSES do
    if values[class] > 0 then
      page:sample(name, labels .. ',code_class="' .. class .. 'xx"', values[class])
    end
  end
end

local function both_ways(page, name, labels, values)
  page:sample(name, labels .. ',direction="in"', values[IN])
  page:sample(name, labels .. ',direction="out"', values[OUT])
end

local function histogram(page, app)
  local name, below = "request_duration_seconds", 0
  local values = metrics.histogram({ app = app.id })
  for i, bound_ms in ipairs(metrics.BOUNDS_MS) do
    below = below + values[i]
    page:sample(name .. "_bucket", app.labels .. ',le="' .. number(bound_ms / 1000) .. '"', below)
  end
  below = below + values[#values]
  page:sample(name .. "_bucket", app.labels .. ',le="+Inf"', below)
  page:sample(name .. "_sum", app.labels, usage.total(app.id)[MS] / 1000)
  page:sample(name .. "_count", app.labels, below)
end

local function is_circuit_open(app)
  local entry = app.host and routes.entry(app.host)
  return entry and entry.app == app.id and failure_state.paused_until(entry.circuit) ~= nil
end

local function of_limits(page, apps)
  for _, name in ipairs(sorted(metrics.OF_LIMITS)) do
    page:family(name .. "_total", "counter", metrics.OF_LIMITS[name])
    over(apps, function(app)
      for _, limit in ipairs(metrics.limits_of(app.id)) do
        local count = metrics.counted(name, app.id .. "|" .. limit)
        if count > 0 then
          page:sample(name .. "_total", app.labels .. ',policy="' .. label(limit) .. '"', count)
        end
      end
    end)
  end
end

local function of_apps(page, apps)
  page:family("requests_total", "counter", "Requests answered, by class of status.")
  over(apps, function(app)
    app.total = usage.total(app.id)
    classes(page, "requests_total", app.labels, app.total)
  end)
  page:family("bytes_total", "counter", "Bytes received from clients and sent to them, headers included.")
  over(apps, function(app)
    both_ways(page, "bytes_total", app.labels, app.total)
  end)
  page:family("request_duration_seconds", "histogram",
    "From a request's first byte to the last of its answer; without WebSockets and event streams.")
  over(apps, function(app)
    histogram(page, app)
  end)
  for _, name in ipairs(sorted(metrics.COUNTERS)) do
    page:family(name .. "_total", "counter", metrics.COUNTERS[name])
    over(apps, function(app)
      page:sample(name .. "_total", app.labels, metrics.counted(name, app.id))
    end)
  end
  page:family("refusals_total", "counter",
    "Requests that the edge refused before it chose a target, by the failure's code.")
  local codes = sorted(failures.BY_CODE)
  over(apps, function(app)
    for _, code in ipairs(codes) do
      local count = metrics.refused(code, app.id)
      if count > 0 then
        page:sample("refusals_total", app.labels .. ',code="' .. code .. '"', count)
      end
    end
  end)
  of_limits(page, apps)
  page:family("waiting", "gauge", "Requests in the waiting room.")
  local waits = waiting.counts()
  over(apps, function(app)
    page:sample("waiting", app.labels, waits[app.id] or 0)
  end)
  page:family("circuit_open", "gauge", "1 while the circuit is open, or one request tries whether it may close.")
  over(apps, function(app)
    page:sample("circuit_open", app.labels, is_circuit_open(app) and 1 or 0)
  end)
end

local function of_replicas(page, replicas)
  page:family("replica_requests_total", "counter", "Requests answered, by the replica that got them last.")
  over(replicas, function(series)
    series.values = metrics.read(series)
    classes(page, "replica_requests_total", series.labels, series.values)
  end)
  page:family("replica_bytes_total", "counter", "Bytes received from clients and sent to them, headers included.")
  over(replicas, function(series)
    both_ways(page, "replica_bytes_total", series.labels, series.values)
  end)
  page:family("replica_request_duration_seconds_total", "counter", "Time that requests took; without streams.")
  over(replicas, function(series)
    page:sample("replica_request_duration_seconds_total", series.labels, series.values[MS] / 1000)
  end)
  page:family("ejected", "gauge", "1 while a target gets no request because it failed in a row.")
  over(replicas, function(series)
    if series.target ~= "" then
      page:sample("ejected", series.labels, failure_state.is_out("target:" .. series.target) and 1 or 0)
    end
  end)
  page:family("inflight", "gauge", "Requests and open connections under way.")
  local under_way = inflight.totals()
  over(replicas, function(series)
    if series.target ~= "" then
      page:sample("inflight", series.labels, under_way[series.target] or 0)
    end
  end)
end

local function gauge(page, name, help, value)
  page:family(name, "gauge", help)
  page:sample(name, "", value)
end

local function of_certificates(page)
  local facts = certificates.facts()
  gauge(page, "certificates", "Certificates that are served with.", facts.loaded)
  gauge(page, "certificate_names_broken", "Names whose certificate can't be used: they get the default one.",
    facts.broken)
  gauge(page, "certificate_index_read", "1 when the index of certificates could be read.", facts.index)
  page:family("certificate_expires_seconds", "gauge", "Until the first certificate that is served with expires.")
  if facts.expires_at_s then
    page:sample("certificate_expires_seconds", "", facts.expires_at_s - ngx.time())
  end
  page:family("tls_handshakes_total", "counter", "TLS handshakes that were begun, by how their certificate was found.")
  for _, how in ipairs(metrics.CERTIFICATES) do
    page:sample("tls_handshakes_total", 'certificate="' .. how .. '"', metrics.counted("tls_handshakes", how))
  end
end

local function of_memory(page)
  local names = sorted(ngx.shared)
  page:family("shared_memory_bytes", "gauge", "Size of each dictionary in shared memory.")
  for _, name in ipairs(names) do
    page:sample("shared_memory_bytes", 'dictionary="' .. name .. '"', ngx.shared[name]:capacity())
  end
  page:family("shared_memory_free_bytes", "gauge", "What is left of it, in whole pages.")
  for _, name in ipairs(names) do
    page:sample("shared_memory_free_bytes", 'dictionary="' .. name .. '"', ngx.shared[name]:free_space())
  end
end

local function of_edge(page)
  local _, generation = routes.held()
  gauge(page, "route_generation", "Generation of the route table that this edge holds.", generation or 0)
  gauge(page, "routes", "Hosts in the route table.", routes.count())
  gauge(page, "routes_complete", "1 when every host that exists is known here.", routes.is_complete() and 1 or 0)
  gauge(page, "redis_connected", "1 when the route table could be followed lately.",
    ngx.shared.slipway_state:get("redis") == "connected" and 1 or 0)
  gauge(page, "limits_without_redis", "1 while limits are counted by this edge alone.", redis_health.is_up() and 0 or 1)
  gauge(page, "usage_records_waiting", "Records of usage that Redis does not have yet.", usage_stream.waiting())
  gauge(page, "usage_age_seconds", "Time since what was counted went into a record.", usage_stream.age_s())
  gauge(page, "workers", "Worker processes, with those that only finish what they have.", #worker_counts.look())
  page:family("connections", "gauge", "Clients' connections, by what nginx does with them.")
  for _, doing in ipairs({ "reading", "writing", "waiting" }) do
    page:sample("connections", 'state="' .. doing .. '"', tonumber(ngx.var["connections_" .. doing]) or 0)
  end
  of_memory(page)
end

function _M.write()
  local page = setmetatable({}, Page)
  local replicas, apps = collect()
  of_apps(page, apps)
  of_replicas(page, replicas)
  of_edge(page)
  of_certificates(page)
  ngx.header.content_type = "text/plain; version=0.0.4; charset=utf-8"
  ngx.print(page)
end

return _M
