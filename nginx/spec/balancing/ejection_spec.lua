local nginx = require("fake_ngx")

describe("ejection", function()
  local fake, ejection, entry, counted
  before_each(function()
    fake = nginx.start()
    counted = {}
    nginx.replace("slipway.metrics.metrics", {
      count = function(name)
        counted[#counted + 1] = name
      end,
    })
    ejection = require("slipway.balancing.ejection")
    entry = nginx.entry({ nginx.target("a"), nginx.target("b") })
  end)

  local function eject(target)
    for _ = 1, entry.ejection.failures do
      ejection.failed(entry, target)
    end
  end

  it("avoids no target while nothing fails", function()
    local tried = { a = true }
    assert.is_nil(ejection.avoided(entry, nil))
    assert.equal(tried, ejection.avoided(entry, tried))
  end)

  it("avoids a target that failed in a row, and counts that once", function()
    eject(entry.targets[1])
    assert.same({ a = true }, ejection.avoided(entry, nil))
    assert.same({ "ejections" }, counted)
  end)

  it("avoids what the request tried besides", function()
    eject(entry.targets[1])
    assert.same({ a = true, b = true }, ejection.avoided(entry, { b = true }))
  end)

  it("ends with a success", function()
    eject(entry.targets[1])
    ejection.succeeded(entry.targets[1])
    assert.is_nil(ejection.avoided(entry, nil))
  end)

  it("lets any request try a target whose pause ended long ago, and only one", function()
    eject(entry.targets[1])
    fake.advance(entry.ejection.pause_s + 5.1)
    local avoided, to_try = ejection.avoided(entry, nil)
    assert.is_nil(avoided)
    assert.equal(entry.targets[1], to_try)
    assert.same({ a = true }, ejection.avoided(entry, nil))
  end)

  it("counts connections that close at the same moment as one failure", function()
    for _ = 1, 10 do
      ejection.was_reset(entry, entry.targets[1])
    end
    assert.is_nil(ejection.avoided(entry, nil))
    for _ = 1, 2 do
      fake.advance(0.1)
      fake.req.start_time_s = fake.now()
      ejection.was_reset(entry, entry.targets[1])
    end
    assert.same({ a = true }, ejection.avoided(entry, nil))
  end)

  it("can be off", function()
    entry.ejection = { failures = 0, pause_s = 5, most_s = 60 }
    for _ = 1, 10 do
      ejection.failed(entry, entry.targets[1])
    end
    assert.is_nil(ejection.avoided(entry, nil))
  end)
end)

describe("balancing", function()
  local balancing, failed, entry
  before_each(function()
    nginx.start()
    nginx.replace("slipway.metrics.metrics", { count = function() end })
    balancing = require("slipway.balancing")
    local ejection = require("slipway.balancing.ejection")
    entry = nginx.entry({ nginx.target("a"), nginx.target("b") }, { standby = { nginx.target("old") } })
    failed = function(target)
      for _ = 1, entry.ejection.failures do
        ejection.failed(entry, target)
      end
    end
  end)

  it("leaves an ejected target out", function()
    failed(entry.targets[1])
    for _ = 1, 4 do
      assert.equal("b", balancing.pick(entry, nil).id)
    end
  end)

  it("takes ejected targets when all are ejected", function()
    failed(entry.targets[1])
    failed(entry.targets[2])
    assert.is_truthy(balancing.pick(entry, nil))
  end)

  it("takes in turn where the strategy is unknown", function()
    entry.balancing = "of another version"
    assert.equal("a", balancing.pick(entry, nil).id)
    assert.equal("b", balancing.pick(entry, nil).id)
  end)

  it("takes a standby when there is no target", function()
    entry.targets = {}
    assert.equal("old", balancing.pick(entry, nil).id)
  end)

  it("takes none when every target was tried", function()
    assert.is_nil(balancing.pick(entry, { a = true, b = true }))
  end)
end)
