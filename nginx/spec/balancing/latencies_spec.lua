local nginx = require("fake_ngx")

describe("latencies", function()
  local fake, latencies
  before_each(function()
    fake = nginx.start()
    latencies = require("slipway.balancing.latencies")
  end)

  it("are 0 of an unknown target", function()
    assert.equal(0, latencies.of("a"))
  end)

  it("move towards what is noted", function()
    latencies.note("a", 1)
    latencies.note("a", 2)
    assert.is_near(1.1, latencies.of("a"), 1e-9)
  end)

  it("fade without requests, so that a slow target gets another chance", function()
    latencies.note("a", 1)
    fake.advance(10)
    assert.is_near(math.exp(-1), latencies.of("a"), 1e-9)
  end)
end)
