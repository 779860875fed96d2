local nginx = require("fake_ngx")

describe("an edge that counts limits alone", function()
  local fake, own_counts, limits, here
  before_each(function()
    fake = nginx.start()
    nginx.replace("slipway.metrics.worker_counts", require("fake_counts"))
    nginx.replace("nginx.string", {})
    nginx.replace("nginx.sha256", {})
    own_counts = require("slipway.limits.own_counts")
    limits = { { id = "1/calls", name = "calls", kind = "rate", most = 6, period_us = 60e6, by = "caller" } }
    here = { address = "192.0.2.1", token = "", user = "" }
  end)

  local function passed(of, who)
    local count = 0
    for _ = 1, of do
      count = count + (own_counts.take({ limits = limits }, who or here).passes and 1 or 0)
    end
    return count
  end

  it("allows as many in a period, and begins anew in the next", function()
    assert.equal(6, passed(20))
    fake.advance(60)
    assert.equal(6, passed(20))
  end)

  it("divides a limit by the edges that there are, and allows one at least", function()
    fake.shared.slipway_state:set("edges", 4)
    assert.equal(1, passed(20))
    fake.shared.slipway_state:set("edges", 100)
    assert.equal(1, passed(20, { address = "192.0.2.2", token = "", user = "" }))
  end)

  it("keeps callers apart", function()
    assert.equal(6, passed(20))
    assert.equal(6, passed(20, { address = "192.0.2.2", token = "", user = "" }))
  end)

  it("keeps persons apart wherever they come from, and has no limit by user for anybody else", function()
    local ada = { address = "192.0.2.1", token = "", user = "1" }
    assert.equal(6, passed(20, ada))
    assert.equal(0, passed(20, { address = "192.0.2.2", token = "", user = "1" }))
    assert.equal(6, passed(20, { address = "192.0.2.1", token = "", user = "2" }))
    assert.equal(6, passed(20))
    limits[1].by, limits[1].id = "user", "1/of-users"
    assert.equal(20, passed(20))
    assert.equal(6, passed(20, ada))
  end)

  it("takes from no limit when one of them refuses", function()
    limits[2] = { id = "1/all", name = "all", kind = "rate", most = 2, period_us = 60e6, by = "all" }
    assert.equal(2, passed(20))
    limits[2] = nil
    assert.equal(4, passed(20))
  end)

  it("refuses nobody by a limit that only reports, and says what it would have refused", function()
    limits[1].only_reports = true
    assert.equal(20, passed(20))
    assert.equal("would refuse", own_counts.take({ limits = limits }, here).states[1])
  end)

  it("counts a token that it can't check by its caller's address, and by nothing who has none", function()
    limits[1].by = "token"
    assert.equal(6, passed(20, { address = "192.0.2.2", token = "5f", user = "" }))
    assert.equal(0, passed(20, { address = "192.0.2.2", token = "00", user = "" }))
    assert.equal(6, passed(20, { address = "192.0.2.3", token = "5f", user = "" }))
    assert.equal(20, passed(20))
    assert.equal("not concerned", own_counts.take({ limits = limits }, here).states[1])
  end)

  it("never says that there is one left where it refuses", function()
    limits = { { id = "1/parallel", name = "parallel", kind = "at_once", most = 2, by = "caller" } }
    local counts = require("fake_counts").new()
    counts.add_within = function() return false end -- another request ended just then
    nginx.replace("slipway.metrics.worker_counts", { new = function() return counts end })
    package.loaded["slipway.limits.own_counts"] = nil
    own_counts = require("slipway.limits.own_counts")
    local outcome = own_counts.take({ limits = limits }, here)
    assert.same({ "refuses", 0 }, { outcome.states[1], outcome.left[1] })
  end)

  it("counts requests under way until they end, and gives back those that another limit refused", function()
    limits = {
      { id = "1/parallel", name = "parallel", kind = "at_once", most = 2, by = "caller",
        only_reports = false },
      { id = "1/calls", name = "calls", kind = "rate", most = 3, period_us = 60e6, by = "caller" },
    }
    local first, second = own_counts.take({ limits = limits }, here), own_counts.take({ limits = limits }, here)
    local third = own_counts.take({ limits = limits }, here)
    assert.same({ true, true, false }, { first.passes, second.passes, third.passes })
    own_counts.release(first)
    own_counts.release(first)
    assert.is_true(own_counts.take({ limits = limits }, here).passes)
    own_counts.release(second)
    assert.same({ "passes", "refuses" }, own_counts.take({ limits = limits }, here).states)
    assert.same({ "passes", "refuses" }, own_counts.take({ limits = limits }, here).states)
  end)
end)
