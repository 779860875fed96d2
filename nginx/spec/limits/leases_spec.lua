local nginx = require("fake_ngx")

describe("leases of requests under way", function()
  local fake, leases, renewed, released, is_leader, living
  before_each(function()
    fake = nginx.start()
    renewed, released, is_leader, living = {}, {}, false, { ["1.1"] = true, ["2.2"] = true }
    nginx.replace("slipway.limits.redis_health", { is_up = function() return true end })
    nginx.replace("slipway.limits.released_leases", {
      LAST_S = 30,
      add = function(request, keys) released[#released + 1] = request .. " " .. table.concat(keys, ",") end,
    })
    nginx.replace("slipway.worker.connection", { open = function() return {} end, keep = function() end })
    nginx.replace("slipway.worker.leader", { is_mine = function() return is_leader end })
    nginx.replace("slipway.worker.process", {
      instance = function() return "1.1" end, is_alive = function(instance) return living[instance] == true end,
    })
    nginx.replace("slipway.limits.scripts", {
      load = function() return {} end,
      run = function(_, _, count, ...)
        local arguments = { ... }
        for i = 1, count do
          renewed[#renewed + 1] = arguments[i] .. " " .. arguments[count + 1 + i] .. " " .. arguments[count + 1]
        end
        return {}
      end,
    })
    leases = require("slipway.limits.leases")
    leases.start()
  end)

  local function left_behind()
    return fake.shared.slipway_leases:get_keys(0)
  end

  it("are renewed while the request is under way", function()
    leases.ask("r-1", { "a", "b" })
    fake.timers[1]()
    assert.same({}, renewed)
    leases.hold("r-1", { "a" })
    fake.timers[1]()
    assert.same({ "a r-1 30000000" }, renewed)
    leases.release("r-1")
    fake.timers[1]()
    assert.same({ 1, { "r-1 a" } }, { #renewed, released })
  end)

  it("are left to the leader by a worker that exits, and last no longer than others", function()
    leases.hold("r-1", { "a" })
    fake.timers[1](true)
    assert.same({ "a r-1 30000000" }, renewed)
    assert.equal(1, #left_behind())
    leases.release("r-1")
    assert.same({ {}, { "r-1 a" } }, { left_behind(), released })
  end)

  it("of a request that a worker takes while it exits are left to the leader as well", function()
    fake.worker.exiting = function() return true end
    leases.hold("r-1", { "a" })
    assert.equal(1, #left_behind())
  end)

  it("of exiting workers are renewed by the leader as long as those live", function()
    fake.shared.slipway_leases:set("lease|r-2", "2.2\na key\nanother")
    fake.timers[1]()
    assert.same({}, renewed)
    is_leader = true
    fake.timers[1]()
    assert.same({ "a key r-2 30000000", "another r-2 30000000" }, renewed)
    assert.same({}, released)
    living["2.2"] = nil
    fake.timers[1]()
    assert.same({ 2, {} }, { #renewed, left_behind() })
  end)

  it("are given back when the request ended while its lease was renewed", function()
    is_leader = true
    fake.shared.slipway_leases:set("lease|r-2", "2.2\na")
    package.loaded["slipway.limits.scripts"].run = function()
      fake.shared.slipway_leases:delete("lease|r-2")
      return {}
    end
    fake.timers[1]()
    assert.same({ "r-2 a" }, released)
  end)
end)
