local nginx = require("fake_ngx")

describe("limits that are counted in Redis", function()
  local fake, redis_counts, held, asked, reply, arguments, timeouts_ms, connecting_s
  before_each(function()
    fake = nginx.start()
    held, asked, timeouts_ms, connecting_s = {}, {}, {}, 0
    nginx.replace("nginx.string", {})
    nginx.replace("nginx.sha256", {})
    nginx.replace("slipway.limits.leases", {
      LAST_S = 30, ask = function(_, keys) asked = keys end, hold = function(_, keys) held = keys end,
      release = function() held = "released" end,
    })
    nginx.replace("slipway.limits.redis_health", { TIMEOUT_S = 0.05 })
    nginx.replace("slipway.worker.connection", {
      open = function()
        fake.advance(connecting_s)
        return { set_timeout = function(_, ms) timeouts_ms[#timeouts_ms + 1] = ms end, close = function() end }
      end,
      keep = function() end,
    })
    nginx.replace("slipway.limits.scripts", {
      load = function() return {} end,
      run = function(_, _, ...)
        arguments = { ... }
        return reply, not reply and "timeout" or nil
      end,
    })
    redis_counts = require("slipway.limits.redis_counts")
    redis_counts.start()
  end)

  local PARALLEL = "slipway:limits:state:1/p:at once "

  local function entry(more)
    local limits = {
      { id = "1/p", kind = "at_once", most = 2, by = "caller", only_reports = false },
      { id = "1/c", kind = "rate", most = 2, period_us = 1000000, by = "caller", only_reports = true },
    }
    for name, value in pairs(more or {}) do
      limits[1][name] = value
    end
    return { app = "1", tenant = "acme", limits = limits, counts_at_once = true }
  end

  local HERE = { address = "192.0.2.1", token = "", user = "" }
  local WITH_TOKEN = { address = "192.0.2.1", token = "5f", user = "" }

  it("hold a lease where the script took one", function()
    reply = { 1, 1, 0, 0, 1, 0, 2, 0, 0 }
    redis_counts.take(entry(), HERE, "r-1")
    assert.same({ PARALLEL .. "192.0.2.1" }, held)
  end)

  it("hold none of a limit that only reports where another of those would refuse", function()
    reply = { 1, 1, 0, 0, 1, 0, 2, 0, 0 }
    redis_counts.take(entry({ only_reports = true }), HERE, "r-1")
    assert.same({}, held)
  end)

  it("hold none when the request is refused", function()
    reply = { 0, 1, 0, 0, 1, 0, 1, 0, 0 }
    redis_counts.take(entry(), HERE, "r-1")
    assert.same({}, held)
  end)

  it("may have a lease of the token or of the address, and by token of either too", function()
    reply = { 1, 1, 2, 0, 1, 0, 0, 0, 0 }
    redis_counts.take(entry({ by = "token" }), WITH_TOKEN, "r-1")
    assert.same({ PARALLEL .. "token 5f", PARALLEL .. "192.0.2.1" }, asked)
    assert.same({ PARALLEL .. "192.0.2.1" }, held, "no token could be checked")
    reply[3] = 1
    redis_counts.take(entry({ by = "token" }), WITH_TOKEN, "r-1")
    assert.same({ PARALLEL .. "token 5f" }, held)
  end)

  it("say whether they ask again", function()
    reply = { 1, 1, 0, 0, 1, 0, 0, 0, 0 }
    redis_counts.take(entry(), HERE, "r-1", true)
    assert.equal("1", arguments[12])
    redis_counts.take(entry(), HERE, "r-1", false)
    assert.equal("0", arguments[12])
  end)

  it("take no longer to connect and to ask than to ask alone", function()
    reply, connecting_s = { 1, 1, 0, 0, 1, 0, 0, 0, 0 }, 0.03
    redis_counts.take(entry(), HERE, "r-1")
    assert.is_true(math.abs(timeouts_ms[1] - 20) < 0.001)
  end)

  it("give back what the script may take after nobody waited for it any more", function()
    reply = nil
    assert.same({ nil, "timeout" }, { redis_counts.take(entry(), HERE, "r-1") })
    assert.equal("released", held)
  end)
end)
