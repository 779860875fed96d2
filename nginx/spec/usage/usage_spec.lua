local cjson = require("cjson")
local nginx = require("fake_ngx")

describe("records of usage", function()
  local PERIOD = { from_s = 1, to_s = 2 }
  local fake, usage, counted, timed

  local function begin()
    package.loaded["slipway.usage.usage"] = nil
    usage = require("slipway.usage.usage")
  end

  before_each(function()
    fake = nginx.start()
    counted, timed = {}, {}
    nginx.replace("slipway.metrics.metrics", {
      FIELDS = { "2", "ms" },
      BUCKETS = 3,
      read = function(series) return { unpack(counted[series.name]) } end,
      histogram = function(series) return { unpack(timed[series.app]) } end,
    })
    for _, name in ipairs({ "slipway_usage", "slipway_totals" }) do
      rawset(fake.shared[name], "free_space", function() return math.huge end)
    end
    begin()
  end)

  local function take(...)
    local listed = {}
    for i, name in ipairs({ ... }) do
      listed[i] = { name = name, app = name:match("^[^|]*") }
    end
    usage.take(listed, PERIOD, false)
    return cjson.decode(usage.record_text(usage.last())).apps
  end

  it("tell what was counted since the last, and how long it took", function()
    counted["1|a"], timed["1"] = { 3, 40 }, { 1, 2, 0 }
    assert.same({ ["1"] = { 3, 40, 1, 2, 0 } }, take("1|a"))
    counted["1|a"], timed["1"] = { 5, 90 }, { 1, 3, 1 }
    assert.same({ ["1"] = { 2, 50, 0, 1, 1 } }, take("1|a"))
    assert.same({ 5, 90, 1, 3, 1 }, usage.total("1"))
  end)

  it("count the durations of an app once, however many replicas it has", function()
    counted["1|a"], counted["1|b"], timed["1"] = { 3, 40 }, { 1, 5 }, { 4, 0, 0 }
    assert.same({ ["1"] = { 4, 45, 4, 0, 0 } }, take("1|a", "1|b"))
  end)

  it("count durations once when replicas of an app are in two records", function()
    counted["1|a"], counted["1|b"], timed["1"] = { 3, 40 }, { 1, 5 }, { 4, 0, 0 }
    assert.same({ ["1"] = { 3, 40, 4, 0, 0 } }, take("1|a"))
    assert.same({ ["1"] = { 1, 5, 0, 0, 0 } }, take("1|b"))
  end)

  it("count durations once when the leader is killed within a step", function()
    counted["1|a"], timed["1"] = { 3, 40 }, { 1, 2, 0 }
    local totals = fake.shared.slipway_totals
    rawset(totals, "set", function() error("killed") end)
    assert.has_error(function() take("1|a") end)
    rawset(totals, "set", nil)
    begin()
    usage.resume()
    assert.same({ 3, 40, 1, 2, 0 }, usage.total("1"))
    counted["1|a"], timed["1"] = { 4, 41 }, { 2, 2, 0 }
    assert.same({ ["1"] = { 1, 1, 1, 0, 0 } }, take("1|a"))
  end)
end)
