local nginx = require("fake_ngx")

describe("rates", function()
  local fake, rates
  before_each(function()
    fake = nginx.start()
    rates = require("slipway.metrics.rates").new()
  end)

  local function second(requests)
    rates.note("1", requests)
    local apps = {}
    rates.advance(apps)
    fake.advance(1)
    return apps
  end

  it("are 0 before two looks", function()
    assert.equal(0, rates.of("1"))
    second(5)
    assert.equal(0, rates.of("1"))
  end)

  it("are requests per second over the last ten looks", function()
    second(1000)
    second(15)
    for _ = 1, 9 do
      second(5)
    end
    assert.equal(6, rates.of("1"))
  end)

  it("are up to now with what was counted since the last look", function()
    second(1000)
    second(15)
    fake.advance(1) -- two seconds after the last look
    assert.equal((15 + 3) / 3, rates.of("1", 3))
    assert.equal(15, rates.of("1"))
  end)

  it("fall when requests end, and name the app as long as its rate changes", function()
    second(5)
    for _ = 1, 10 do
      assert.is_true(second(0)["1"])
    end
    assert.equal(0, rates.of("1"))
    assert.equal(0, rates.of("unknown"))
  end)
end)
