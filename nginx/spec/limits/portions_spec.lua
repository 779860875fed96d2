local nginx = require("fake_ngx")

describe("portions of limits", function()
  local fake, portions, entry, asked, reply, timers, is_connected, failures, counted
  before_each(function()
    fake = nginx.start()
    asked, reply, timers, is_connected, failures, counted = {}, { 20, 0, 900, 3000000 }, {}, true, {}, 0
    fake.timer.at = function(seconds, run)
      if fake.worker.exiting() then
        return nil, "process exiting"
      end
      timers[#timers + 1] = { seconds = seconds, run = run }
      return 1
    end
    nginx.replace("nginx.string", {})
    nginx.replace("nginx.sha256", {})
    nginx.replace("slipway.worker.settings", { edge_id = "edge 1|x" })
    nginx.replace("slipway.worker.process", { instance = function() return "7.7" end })
    nginx.replace("slipway.metrics.metrics", { count = function(_, _, amount) counted = counted + amount end })
    nginx.replace("slipway.limits.redis_health", {
      TIMEOUT_S = 0.05, failed = function(err) failures[#failures + 1] = err end,
    })
    nginx.replace("slipway.worker.connection", {
      open = function()
        return is_connected and { close = function() end } or nil, not is_connected and "refused" or nil
      end,
      keep = function() end,
    })
    nginx.replace("slipway.limits.rate_limit_headers", { describe = function(_, _, outcome)
      return { left = outcome.left[1], reset_s = outcome.reset_s[1] }
    end })
    nginx.replace("slipway.limits.scripts", {
      load = function() return {} end,
      run = function(_, _, keys, ...)
        local arguments = { ... }
        for i = 1, keys do
          local id, used, held, wanted = arguments[keys + 1 + i]:match("^(%S+) (%d+) (%d+) (%S+) %d+ %d+$")
          asked[#asked + 1] = {
            id = id, used = tonumber(used), held = tonumber(held), wanted = tonumber(wanted) or wanted,
            key = arguments[i],
          }
        end
        if reply.err then
          return nil, reply.err
        end
        return (table.concat(reply, " ") .. "|"):rep(keys)
      end,
    })
    portions = require("slipway.limits.portions")
    require("slipway.limits.portion_renewal").start()
    entry = { app = "1", limits = { { id = "1/c", kind = "rate", most = 1000, period_us = 60000000, by = "caller" } } }
  end)

  local ADA, IDENTITY = { address = "192.0.2.1", token = "", user = "ada" }, { kind = "person", id = "ada" }

  local function note(times, caller)
    for _ = 1, times do
      portions.note(entry, caller or ADA, true)
    end
  end

  local function take(times)
    local taken = 0
    for _ = 1, times do
      taken = taken + (portions.take(entry, IDENTITY) and 1 or 0)
    end
    return taken
  end

  local function turn()
    local timer = table.remove(timers, 1)
    fake.advance(timer.seconds)
    timer.run(false)
  end

  it("are asked for who sends often, by the worker's timer", function()
    note(3)
    assert.same({}, timers)
    note(1)
    assert.equal(0, timers[1].seconds)
    assert.equal(0, take(1))
    turn()
    assert.same({
      id = "edge%201%7cx/7.7/1", used = 0, held = 0, wanted = 14, key = "slipway:limits:state:1/c:user ada",
    }, asked[1])
    assert.equal(20, take(25))
  end)

  it("are for nobody who sends seldom", function()
    for _ = 1, 20 do
      note(3)
      fake.advance(0.11)
    end
    assert.same({}, timers)
  end)

  it("are for people and addresses without a token, where all limits are of requests in a time, in force", function()
    note(20, { address = "192.0.2.1", token = "5f", user = "" })
    portions.note(entry, { address = "192.0.2.1", token = "", user = "" }, false)
    entry.limits[1].only_reports = true
    note(20)
    entry.limits[1].only_reports, entry.limits[2] = false, { id = "1/p", kind = "at_once", most = 5, by = "caller" }
    note(20)
    entry.limits[2] = nil
    entry.limits[1].by = "token"
    note(20)
    assert.same({}, timers)
    entry.limits[1].by = "caller"
    note(20, { address = "192.0.2.1", token = "", user = "" })
    turn()
    assert.equal("slipway:limits:state:1/c:192.0.2.1", asked[1].key)
    assert.equal(0, take(1), "somebody else's")
  end)

  it("say what is left, and are reported and renewed while the caller goes on", function()
    note(4)
    turn()
    local portion = portions.take(entry, IDENTITY)
    assert.equal(919, portions.left(portion))
    assert.equal(9, take(9))
    reply = { 5, 0, 880, 3000000 }
    turn()
    assert.same({ 10, 20, 13 }, { asked[2].used, asked[2].held, asked[2].wanted })
    assert.equal(10, counted)
    assert.equal(15, take(30))
  end)

  it("ask at every second turn of who has enough, with what was used in both", function()
    reply = { 14, 0, 900, 3000000 }
    note(4)
    turn()
    take(5)
    turn()
    assert.equal(1, #asked)
    take(5)
    turn()
    assert.same({ 10, 14 }, { asked[2].used, asked[2].held })
  end)

  it("take back what a later gate did not pass", function()
    note(4)
    turn()
    local portion = portions.take(entry, IDENTITY)
    portions.put_back(portion)
    assert.equal(20, take(25))
  end)

  it("are given back when the caller stops, and nothing is taken from them meanwhile", function()
    note(4)
    turn()
    take(3)
    turn()
    turn()
    local last = asked[#asked]
    assert.same({ "-", 0 }, { last.wanted, take(5) })
    assert.same({}, timers)
    assert.is_nil(entry.portions.user.ada)
  end)

  it("pause where little is left: what is unused is given back at the next turn, and nothing is asked for some time",
    function()
      reply = { 2, 0, 7, 3000000 }
      note(4)
      turn()
      take(1)
      reply = { 0, 0, 8, 3000000 }
      turn()
      assert.same({ 1, 2, "-" }, { asked[2].used, asked[2].held, asked[2].wanted })
      local before = #asked
      for _ = 1, 9 do
        note(20)
        turn()
      end
      assert.equal(before, #asked)
    end)

  it("are void when Redis has lost them", function()
    note(4)
    turn()
    take(10)
    reply = { 3, 1, 500, 3000000 }
    turn()
    assert.equal(3, take(10))
  end)

  it("are void when Redis does not answer, and nothing is raised", function()
    note(4)
    turn()
    take(10)
    is_connected = false
    turn()
    assert.same({ "refused" }, failures)
    assert.equal(0, take(10))
    assert.same({ 0, 0 }, { #timers, #fake.logged })
  end)

  it("are void when Redis answers with an error", function()
    note(4)
    turn()
    reply = { err = "WRONGTYPE of one of them" }
    take(10)
    turn()
    assert.same({ { "WRONGTYPE of one of them" }, 0 }, { failures, take(10) })
  end)

  it("end by themselves when the worker was not asked in time", function()
    note(4)
    turn()
    fake.advance(0.21)
    assert.equal(0, take(1))
  end)

  it("are given back at once by a worker that begins to exit", function()
    note(4)
    turn()
    take(4)
    fake.worker.exiting = function() return true end
    local timer = table.remove(timers)
    timer.run(true)
    assert.same({ 4, 20, "-" }, { asked[2].used, asked[2].held, asked[2].wanted })
    assert.equal(0, take(1))
    note(20)
    assert.same({}, timers)
  end)
end)
