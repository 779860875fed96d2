local nginx = require("fake_ngx")

describe("whether limits are counted in Redis", function()
  local fake, health, delays, probes
  before_each(function()
    fake = nginx.start()
    delays, probes = {}, {}
    fake.timer.at = function(delay_s, work)
      delays[#delays + 1], probes[#probes + 1] = delay_s, work
      return true
    end
    nginx.replace("slipway.worker.connection", {
      open = function()
        return { set = function() return "OK" end }
      end,
      keep = function() end,
    })
    health = require("slipway.limits.redis_health")
  end)

  it("ends with an error that concerns all requests", function()
    for _, err in ipairs({ "timeout", "closed", "connection refused", "READONLY You can't write", "LOADING Redis is",
      "OOM command not allowed when used memory > 'maxmemory'. script: 5f, on @user_script:93.",
      "ERR max number of clients reached", "NOAUTH Authentication required." }) do
      fake.shared.slipway_state:delete("limits without redis")
      health.failed(err)
      assert.is_false(health.is_up(), err)
    end
  end)

  it("goes on after an error of one request's own, and says so once in a while", function()
    for _, err in ipairs({ "ERR user_script:70: attempt to compare nil with number script: 5f, on @user_script:70.",
      "WRONGTYPE Operation against a key holding the wrong kind of value script: 5f, on @user_script:60.",
      "ERR value is not an integer or out of range" }) do
      health.failed(err)
      assert.is_true(health.is_up(), err)
    end
    assert.equal(1, #fake.logged)
  end)

  it("is tried at once, and the later the more often it failed lately", function()
    for _ = 1, 8 do
      health.failed("timeout")
      health.is_up()
      probes[#probes]()
      assert.is_true(health.is_up())
    end
    assert.same({ 0, 0.25, 0.5, 1, 2, 4, 4, 4 }, delays)
    fake.advance(60)
    health.failed("timeout")
    health.is_up()
    assert.equal(0, delays[#delays])
  end)
end)
