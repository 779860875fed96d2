local nginx = require("fake_ngx")

describe("the waiting room", function()
  local fake, waiting, limits
  before_each(function()
    fake = nginx.start()
    nginx.replace("slipway.metrics.worker_counts", require("fake_counts"))
    nginx.replace("slipway.request.request_body", { size = function() return 10 end })
    waiting = require("slipway.gates.waiting")
    limits = { requests = 2, bytes = 100, timeout_s = 1 }
  end)

  local function wait(look)
    return waiting.wait({}, "host", "app", limits, look)
  end

  it("ends when a look says so", function()
    local looks = 0
    assert.is_nil(wait(function()
      looks = looks + 1
      return looks == 3
    end))
    assert.is_false(waiting.has_queue("host"))
  end)

  it("ends at the deadline", function()
    assert.equal("late", wait(function() return false end))
    assert.is_near(1001, fake.now(), 0.02)
  end)

  it("is bounded in number and in bytes, and has room again after that", function()
    local inner
    wait(function()
      wait(function()
        inner = wait(function() return true end)
        return true
      end)
      return true
    end)
    assert.is_nil(inner)
    limits.requests = 0
    assert.equal("full", wait(function() return true end))
    limits.requests, limits.bytes = 1, 9
    assert.equal("full", wait(function() return true end))
    limits.bytes = 10
    assert.is_nil(wait(function() return true end))
  end)

  it("lets a few requests go on at one moment", function()
    waiting.wait({}, "host", "app", limits, function()
      local released = {}
      for i = 1, 3 do
        released[i] = waiting.may_release("host")
      end
      assert.same({ true, true, false }, released)
      fake.advance(0.011)
      assert.is_true(waiting.may_release("host"))
      return true
    end)
  end)
end)
