local nginx = require("fake_ngx")

local function ids_of(choose, entry, count, avoided)
  local ids = {}
  for i = 1, count do
    local target = choose(entry, avoided)
    ids[i] = target and target.id or "none"
  end
  return table.concat(ids, " ")
end

describe("round robin", function()
  local choose, entry
  before_each(function()
    nginx.start()
    choose = require("slipway.balancing.round_robin")
    entry = nginx.entry({ nginx.target("a"), nginx.target("b"), nginx.target("c") })
  end)

  it("takes targets in turn", function()
    assert.equal("a b c a b c", ids_of(choose, entry, 6))
  end)

  it("shares evenly among the targets that are left", function()
    assert.equal("a c a c", ids_of(choose, entry, 4, { b = true }))
  end)

  it("chooses none when every target is avoided", function()
    assert.is_nil(choose(entry, { a = true, b = true, c = true }))
  end)
end)

describe("weighted", function()
  local choose
  before_each(function()
    nginx.start()
    choose = require("slipway.balancing.weighted")
  end)

  it("is nginx's smooth weighted round robin", function()
    local entry = nginx.entry({ nginx.target("a", 5), nginx.target("b", 1), nginx.target("c", 1) })
    assert.equal("a a b a c a a", ids_of(choose, entry, 7))
  end)

  it("gives a target of weight 0 no request", function()
    local entry = nginx.entry({ nginx.target("a", 0), nginx.target("b", 2) })
    assert.equal("b b b", ids_of(choose, entry, 3))
  end)

  it("takes targets in turn when none has a weight", function()
    local entry = nginx.entry({ nginx.target("a", 0), nginx.target("b", 0) })
    assert.equal("a b a b", ids_of(choose, entry, 4))
    assert.equal("b b", ids_of(choose, entry, 2, { a = true }))
    assert.is_nil(choose(nginx.entry({})))
  end)

  it("skips an avoided target", function()
    local entry = nginx.entry({ nginx.target("a", 5), nginx.target("b", 1) })
    assert.equal("b b b", ids_of(choose, entry, 3, { a = true }))
  end)

  it("keeps the weights of the others when one is avoided", function()
    local entry = nginx.entry({ nginx.target("a", 2), nginx.target("b", 1), nginx.target("c", 1) })
    assert.equal("b c b c b c", ids_of(choose, entry, 6, { a = true }))
    entry = nginx.entry({ nginx.target("a", 3), nginx.target("b", 2), nginx.target("c", 1) })
    local _, of_b = ids_of(choose, entry, 300, { a = true }):gsub("b", "")
    assert.equal(200, of_b)
  end)
end)

describe("least connections", function()
  local choose, entry, counts
  before_each(function()
    nginx.start()
    counts = { a = 2, b = 1, c = 1 }
    nginx.replace("slipway.balancing.inflight", {
      of = function(_, target)
        return counts[target.id]
      end,
    })
    choose = require("slipway.balancing.least_connections")
    entry = nginx.entry({ nginx.target("a"), nginx.target("b"), nginx.target("c") })
  end)

  it("takes the targets with the fewest in turn, whichever they are", function()
    assert.equal("b c b c b c", ids_of(choose, entry, 6))
    counts = { a = 1, b = 2, c = 1 }
    assert.equal("a c a c a c", ids_of(choose, entry, 6))
    counts = { a = 0, b = 0, c = 0 }
    assert.equal("a b c a b c", ids_of(choose, entry, 6))
  end)

  it("takes the others in turn when one is avoided", function()
    counts = { a = 0, b = 0, c = 0 }
    assert.equal("b c b c b c", ids_of(choose, entry, 6, { a = true }))
  end)

  it("skips an avoided target", function()
    assert.equal("a a a", ids_of(choose, entry, 3, { b = true, c = true }))
  end)
end)

describe("least load", function()
  local choose, loads, latencies, entry
  before_each(function()
    nginx.start()
    loads = { a = 0.1, b = 0.9 }
    nginx.replace("slipway.balancing.loads", {
      of = function(id)
        return loads[id]
      end,
    })
    latencies = require("slipway.balancing.latencies")
    choose = require("slipway.balancing.least_load")
    entry = nginx.entry({ nginx.target("a"), nginx.target("b") })
  end)

  it("takes the target with more free CPU", function()
    assert.equal("a a a a", ids_of(choose, entry, 4))
  end)

  it("takes a target that is slower only while its load makes up for it", function()
    latencies.note("a", 0.2)
    latencies.note("b", 0.01)
    assert.equal("b b b", ids_of(choose, entry, 3))
  end)

  it("takes targets in turn when a load is unknown", function()
    loads.b = nil
    assert.equal("a b a b", ids_of(choose, entry, 4))
  end)
end)
