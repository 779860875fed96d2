local nginx = require("fake_ngx")

describe("the chain of gates", function()
  local fake, chain, entry, asked
  local gates, verdicts

  local function gate(name, more)
    local made = {
      name = name,
      check = function()
        asked[#asked + 1] = name
      end,
    }
    for key, value in pairs(more or {}) do
      made[key] = value
    end
    gates[#gates + 1] = made
    return made
  end

  local function says(name, verdict, detail)
    return function()
      asked[#asked + 1] = name
      return verdict, detail
    end
  end

  before_each(function()
    fake = nginx.start()
    asked, gates = {}, {}
    nginx.replace("slipway.gates.gates", gates)
    nginx.replace("slipway.metrics.worker_counts", require("fake_counts"))
    nginx.replace("slipway.gates.activation_requests", {
      ask = function(app) asked[#asked + 1] = "activate " .. app end,
      activated = function(app) asked[#asked + 1] = "activated " .. app end,
    })
    nginx.replace("slipway.routes.table", { entry = function() return entry end })
    nginx.replace("slipway.request.request_body", { size = function() return 0 end })
    nginx.replace("slipway.gates.breaker", { note = function() asked[#asked + 1] = "failure of the app" end })
    entry = nginx.entry({ nginx.target("a") })
    verdicts = require("slipway.gates.verdicts")
    chain = require("slipway.gates.chain")
  end)

  local function check(ctx)
    asked = {}
    ctx.entry = entry
    return chain.check(ctx)
  end

  it("asks the gates in order", function()
    gate("one")
    gate("two")
    chain.start()
    assert.is_nil(check({}))
    assert.same({ "one", "two" }, asked)
  end)

  it("ends with the first gate that refuses", function()
    gate("one", { check = says("one", verdicts.REFUSE, "circuit-open") })
    gate("two")
    chain.start()
    assert.same({ verdicts.REFUSE, "circuit-open" }, { check({}) })
    assert.same({ "one" }, asked)
  end)

  it("redirects", function()
    gate("one", { check = says("one", verdicts.REDIRECT, "@trial") })
    chain.start()
    assert.same({ verdicts.REDIRECT, "@trial" }, { check({}) })
  end)

  it("refuses where a gate says what nobody knows", function()
    gate("one", { check = says("one", "perhaps", "internal") })
    chain.start()
    assert.same({ verdicts.REFUSE, "internal" }, { check({}) })
  end)

  it("passes nothing at once when one gate can't say so", function()
    gate("one", { passes_at_once = function() return true end })
    chain.start()
    assert.is_true(chain.passes_at_once({}, entry))
    gate("new")
    chain.start()
    assert.is_false(chain.passes_at_once({}, entry))
  end)

  it("asks the gates in order, with entry and context, whether they pass a request at once", function()
    local ctx = {}
    gate("one", { passes_at_once = function(...) asked[1] = { ... } return true end })
    gate("two", { passes_at_once = function() asked[2] = "two" return false end })
    gate("three", { passes_at_once = function() asked[3] = "three" return true end })
    chain.start()
    assert.is_false(chain.passes_at_once(ctx, entry))
    assert.same({ { ctx, entry }, "two" }, asked)
  end)

  it("takes no gate without a check", function()
    gates[1] = { name = "new", passes_at_once = function() return true end }
    assert.has_error(chain.start, "gate new has no check")
  end)

  it("takes no gate after the last one", function()
    gate("target", { is_last = true })
    chain.start()
    gate("new")
    assert.has_error(chain.start, "gate target is not the last one")
  end)

  describe("while a request waits", function()
    it("asks the repeated gates again, and activates the app once", function()
      local looks = 0
      gate("access")
      gate("slot", { is_repeated = true })
      gate("target", { is_repeated = true, check = function()
        asked[#asked + 1] = "target"
        looks = looks + 1
        if looks < 3 then
          return verdicts.WAIT, "no-ready-replica"
        end
      end })
      chain.start()
      assert.is_nil(check({}))
      assert.equal("access slot target activate 1 slot target slot target activated 1", table.concat(asked, " "))
    end)

    it("gives back what repeated gates took when one after them does not pass", function()
      local held = 0
      gate("slot", { is_repeated = true, check = function() held = held + 1 end,
        release = function() held = held - 1 end })
      gate("target", { is_repeated = true, check = says("target", verdicts.WAIT, "no-ready-replica") })
      chain.start()
      assert.same({ verdicts.REFUSE, "no-ready-replica" }, { check({}) })
      assert.equal(0, held)
    end)

    it("asks an earlier gate alone again, and the gates after it when the waiting is over", function()
      local looks = 0
      gate("access")
      gate("limit", { check = function()
        asked[#asked + 1] = "limit"
        looks = looks + 1
        if looks < 2 then
          return verdicts.WAIT, "app-busy"
        end
      end })
      gate("target", { is_repeated = true, check = function(ctx)
        asked[#asked + 1] = ctx.ticket and "target in the waiting room" or "target"
      end })
      chain.start()
      assert.is_nil(check({}))
      assert.equal("access limit limit target", table.concat(asked, " "))
    end)

    it("refuses at the deadline, with what it waited for", function()
      gate("target", { check = says("target", verdicts.WAIT, "app-busy") })
      chain.start()
      local began_s = fake.now()
      assert.same({ verdicts.REFUSE, "app-busy" }, { check({}) })
      assert.is_near(entry.waiting.timeout_s, fake.now() - began_s, 0.02)
    end)

    it("refuses at once when the room is full", function()
      entry.waiting.requests = 0
      gate("target", { check = says("target", verdicts.WAIT, "no-ready-replica") })
      chain.start()
      assert.same({ verdicts.REFUSE, "no-ready-replica" }, { check({}) })
      entry.waiting.bytes, entry.waiting.requests = -1, 1
      assert.same({ verdicts.REFUSE, "waiting-room-full" }, { check({}) })
    end)

    it("refuses when who may use the app has changed, before it asks another gate", function()
      gate("target", { is_repeated = true, check = function()
        asked[#asked + 1] = "target"
        entry = nginx.entry({}, { access = "friends" })
        return verdicts.WAIT, "app-busy"
      end })
      chain.start()
      assert.same({ verdicts.REFUSE, "service-unavailable" }, { check({}) })
      assert.same({ "target" }, asked)
    end)

    it("refuses when the host leaves the table", function()
      gate("target", { check = says("target", verdicts.WAIT, "no-ready-replica") })
      chain.start()
      local ctx = { entry = entry }
      package.loaded["slipway.routes.table"].entry = function() return nil, "unknown-host" end
      assert.same({ verdicts.REFUSE, "unknown-host" }, { chain.check(ctx) })
    end)
  end)

  it("releases every gate in the log phase", function()
    gate("one", { release = function() asked[#asked + 1] = "release one" end })
    gate("two")
    gate("three", { release = function() asked[#asked + 1] = "release three" end })
    chain.start()
    chain.release({})
    assert.same({ "release one", "release three" }, asked)
  end)
end)
