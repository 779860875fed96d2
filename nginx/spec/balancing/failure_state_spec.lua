local nginx = require("fake_ngx")

describe("failure state", function()
  local fake, failure_state
  local limit = { failures = 3, pause_s = 5, most_s = 12 }
  before_each(function()
    fake = nginx.start()
    failure_state = require("slipway.balancing.failure_state")
  end)

  local function fail(times)
    local began
    for _ = 1, times do
      began = failure_state.fail("a", limit, fake.now())
    end
    return began
  end

  it("begins a pause with the last of so many failures in a row", function()
    assert.is_false(fail(2))
    assert.is_true(fail(1))
    assert.equal(fake.now() + 5, failure_state.paused_until("a"))
  end)

  it("begins none when a success comes between", function()
    fail(2)
    failure_state.succeed("a")
    assert.is_false(fail(2))
  end)

  it("begins none where the limit is 0", function()
    assert.is_false(failure_state.fail("a", { failures = 0, pause_s = 5, most_s = 5 }, fake.now()))
  end)

  it("makes each pause twice as long, up to the most", function()
    local lengths = {}
    fail(2)
    for i = 1, 3 do
      fail(1)
      lengths[i] = failure_state.paused_until("a") - fake.now()
      fake.advance(lengths[i])
    end
    assert.same({ 5, 10, 12 }, lengths)
  end)

  it("does not count a failure of a request that began before the pause", function()
    local before = fake.now() - 1
    fail(3)
    fake.advance(5)
    assert.is_false(failure_state.fail("a", limit, before))
  end)

  it("tells a pause that lasts from one that is over", function()
    fail(3)
    assert.is_nil(failure_state.over_for_s("a"))
    fake.advance(6)
    assert.equal(1, failure_state.over_for_s("a"))
    assert.is_true(failure_state.is_out("a"))
  end)

  it("gives the trial after a pause to one caller", function()
    fail(3)
    assert.is_false(failure_state.claim("a", 60))
    fake.advance(5)
    assert.is_true(failure_state.claim("a", 60))
    assert.is_false(failure_state.claim("a", 60))
    failure_state.release("a")
    assert.is_true(failure_state.claim("a", 60))
  end)

  it("is empty again after a success", function()
    fail(3)
    assert.is_true(failure_state.succeed("a"))
    assert.is_true(failure_state.are_none())
    assert.is_nil(failure_state.paused_until("a"))
    assert.same({}, failure_state.pauses())
  end)

  it("of another worker is known after the next tick", function()
    failure_state.start()
    nginx.replace("slipway.balancing.failure_state", nil)
    local other = require("slipway.balancing.failure_state")
    for _ = 1, 3 do
      other.fail("a", limit, fake.now())
    end
    assert.is_true(failure_state.are_none())
    fake.timers[1](false)
    assert.is_true(failure_state.is_out("a"))
  end)
end)
