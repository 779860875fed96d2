local nginx = require("fake_ngx")

describe("leases of requests that have ended", function()
  local fake, released, sent, timers, is_up, failure
  before_each(function()
    fake = nginx.start()
    sent, timers, is_up, failure = {}, {}, true, nil
    fake.timer.at = function(delay_s, work)
      timers[#timers + 1] = { delay_s = delay_s, work = work }
      return true
    end
    nginx.replace("slipway.limits.redis_health", {
      is_up = function() return is_up end,
      concerns_all = function(err) return not err:find("^WRONGTYPE") end,
    })
    nginx.replace("slipway.worker.connection", { open = function()
      local client, commands = { close = function() end, init_pipeline = function() end }, {}
      function client.zrem(_, key, request)
        commands[#commands + 1] = key .. " " .. request
      end
      function client.commit_pipeline()
        if failure and not failure:find("^%u") then
          return nil, failure
        end
        local replies = {}
        for i, each in ipairs(commands) do
          replies[i] = failure and { false, failure } or 1
          sent[#sent + 1] = each
        end
        commands = {}
        return replies
      end
      return client
    end, keep = function() end })
    local settings = require("slipway.worker.settings")
    settings.limits_released_most = 100
    released = require("slipway.limits.released_leases")
  end)

  local function run_timers()
    local due = timers
    timers = {}
    for _, each in ipairs(due) do
      each.work()
    end
  end

  it("are given back at once", function()
    released.add("r-1", { "a", "b" })
    released.add("r-2", { "a" })
    assert.equal(1, #timers)
    run_timers()
    assert.same({ "a r-1", "b r-1", "a r-2" }, sent)
    assert.equal(0, #timers)
  end)

  it("are kept while Redis is down, and given back when it is up again", function()
    is_up = false
    released.add("r-1", { "a" })
    run_timers()
    run_timers()
    assert.same({}, sent)
    is_up = true
    run_timers()
    assert.same({ "a r-1" }, sent)
    assert.equal(0, #timers)
  end)

  for _, err in ipairs({ "timeout", "LOADING Redis is loading the dataset in memory", "READONLY You can't write" }) do
    it("are given back again after " .. err, function()
      failure = err
      released.add("r-1", { "a" })
      run_timers()
      failure, sent = nil, {}
      run_timers()
      assert.same({ "a r-1" }, sent)
    end)
  end

  it("do not wait for one that can never be given back", function()
    failure = "WRONGTYPE Operation against a key holding the wrong kind of value"
    released.add("r-1", { "a" })
    run_timers()
    assert.equal(0, #timers)
  end)

  it("are forgotten when they have ended by themselves", function()
    is_up = false
    released.add("r-1", { "a" })
    fake.advance(30)
    released.add("r-2", { "a" })
    is_up = true
    run_timers()
    assert.same({ "a r-2" }, sent)
  end)

  it("are bounded: the oldest are left to end by themselves", function()
    is_up = false
    for number = 1, 110 do
      released.add("r-" .. number, { "a" })
    end
    is_up = true
    run_timers()
    assert.equal(100, #sent)
    assert.equal("a r-11", sent[1])
  end)

  it("are sent by another timer where one never runs", function()
    released.add("r-1", { "a" })
    timers = {}
    fake.advance(11)
    released.add("r-2", { "b" })
    run_timers()
    assert.same({ "a r-1", "b r-2" }, sent)
  end)

  it("are sent again after an error in what sends them", function()
    local connection = package.loaded["slipway.worker.connection"]
    local open = connection.open
    connection.open = function() error("broken") end
    released.add("r-1", { "a" })
    run_timers()
    connection.open = open
    run_timers()
    assert.same({ "a r-1" }, sent)
  end)
end)
