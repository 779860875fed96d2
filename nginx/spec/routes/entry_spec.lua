local cjson = require("cjson.safe")
local nginx = require("fake_ngx")

describe("an entry", function()
  local read
  before_each(function()
    nginx.start()
    read = require("slipway.routes.entry").read
  end)

  local function fields(more)
    local made = {
      app = "42", name = "shop", tenant = "acme", generation = 7,
      targets = { { id = "r-1", address = "10.0.0.1", port = 8000 } },
      timeouts = { connect_s = 3, read_s = 9 }, max_body_bytes = 100,
    }
    for name, value in pairs(more or {}) do
      made[name] = value
    end
    return cjson.encode(made)
  end

  it("has what it says, and defaults for the rest", function()
    local entry = read(fields())
    assert.same({ "42", "shop", "acme", "public" }, { entry.app, entry.name, entry.tenant, entry.access })
    assert.same({ 3, 9, 100 }, { entry.connect_s, entry.read_s, entry.max_body_bytes })
    assert.equal("app:42:7", entry.circuit)
    assert.same({ id = "r-1", address = "10.0.0.1", port = 8000, weight = 1, failure_key = "target:r-1" },
      entry.targets[1])
    assert.same({ failures = 5, pause_s = 5, most_s = 60 }, entry.ejection)
    assert.same({}, entry.standby)
    assert.is_nil(entry.stopped)
    assert.is_nil(entry.max_concurrency)
  end)

  it("may leave out all but what names it and its targets", function()
    local entry = read(cjson.encode({ app = "1", name = "a", tenant = "t", generation = 1, targets = {} }))
    assert.same({ 2, 60, 100 * 1024 * 1024 }, { entry.connect_s, entry.read_s, entry.max_body_bytes })
  end)

  it("completes what it says only in part", function()
    assert.same({ failures = 5, pause_s = 1, most_s = 60 }, read(fields({ ejection = { pause_s = 1 } })).ejection)
  end)

  it("puts an address of IPv6 into brackets", function()
    local entry = read(fields({ targets = { { id = "a", address = "fd00::1", port = 80 } } }))
    assert.equal("[fd00::1]", entry.targets[1].address)
  end)

  it("says why nothing serves, also for a reason that is unknown", function()
    assert.equal("scaled-to-zero", read(fields({ stopped = "scaled-to-zero" })).stopped)
    assert.equal("app-stopped", read(fields({ stopped = "of another version" })).stopped)
    assert.equal("app-stopped", read(fields({ stopped = 7 })).stopped)
  end)

  it("keeps an unknown mode of access, which the gate refuses", function()
    assert.equal("friends", read(fields({ access = "friends" })).access)
  end)

  it("has its policies where it names some", function()
    local entry = read(fields({ access = { policies = { { "tenant" } }, default = 0, paths = {} } }))
    assert.same({ { "tenant" } }, entry.access.policies)
  end)

  it("has its limits as they are counted and as clients see them", function()
    local entry = read(fields({ limits = {
      { id = "app-1/calls", name = "calls", requests = 100, per_s = 60 },
      { id = "tenant-1/p", name = "tenant/p", at_once = 5, by = "all", dry_run = true },
    } }))
    assert.same({
      id = "app-1/calls", name = "calls", quoted_name = '"calls"', kind = "rate", most = 100, period_us = 60000000,
      by = "caller", only_reports = false, policy = '"calls";q=100;w=60',
    }, entry.limits[1])
    assert.same({
      id = "tenant-1/p", name = "tenant/p", quoted_name = '"tenant/p"', kind = "at_once", most = 5, by = "all",
      only_reports = true, policy = '"tenant/p";q=5;qu="concurrent-requests"',
    }, entry.limits[2])
    assert.is_true(entry.counts_at_once)
  end)

  it("has none where it names none, so that no request of its app looks at limits", function()
    assert.is_nil(read(fields()).limits)
  end)

  local function with_limit(more)
    local limit = { id = "a", name = "a", requests = 1, per_s = 1 }
    for name, value in pairs(more) do
      limit[name] = value
    end
    return { limits = { limit } }
  end

  local null = cjson.null
  local malformed = {
    ["access is no object"] = { { access = 7 }, { access = null }, { access = true }, { access = false } },
    ["access has a field that is not known: mode"] = { { access = { mode = "public" } } },
    ["app is empty"] = { { app = "" } },
    ["app is no string"] = { { app = 7 }, { app = null } },
    ["tenant is no string"] = { { tenant = {} } },
    ["name is no string"] = { { name = false } },
    ["generation is no number"] = { { generation = "7" } },
    ["targets is no table"] = { { targets = "10.0.0.1" }, { targets = null } },
    ["a target is no table"] = { { targets = { "10.0.0.1" } } },
    ["a key of targets is no number"] = { { targets = { id = "a", address = "b", port = 1 } } },
    ["a target's id is no string"] = { { targets = { { id = 1, address = "b", port = 1 } } } },
    ["a target's address is no string"] = { { targets = { { id = "a", port = 1 } } } },
    ["a target's port is no number"] = { { targets = { { id = "a", address = "b", port = "80" } } } },
    ["a target's weight is no number"] = { { targets = { { id = "a", address = "b", port = 1, weight = "1" } } } },
    ["standby is no table"] = { { standby = "old" }, { standby = false }, { standby = null } },
    ["timeouts is no table"] = { { timeouts = 5 } },
    ["timeouts.read_s is no number"] = { { timeouts = { read_s = "9" } } },
    ["waiting.requests is no number"] = { { waiting = { requests = {} } } },
    ["breaker is no table"] = { { breaker = "off" } },
    ["ejection.pause_s is no number"] = { { ejection = { pause_s = true } } },
    ["max_body_bytes is no number"] = { { max_body_bytes = "1" } },
    ["max_concurrency is no number"] = { { max_concurrency = {} } },
    ["limits is no table"] = { { limits = 5 }, { limits = null } },
    ["a limit is no table"] = { { limits = { 5 } } },
    ["a key of limits is no number"] = { { limits = { calls = { id = "a", name = "a", at_once = 1 } } } },
    ["a limit's id is no string"] = { with_limit({ id = 7 }), with_limit({ id = null }) },
    ["limits are empty"] = { { limits = {} } },
    ["a limit's paths is not known"] = { with_limit({ paths = { "/login" } }) },
    ["a limit's 1 is not known"] = { { limits = { { 5 } } } },
    ["a limit counts requests in a time and at one time"] = { with_limit({ at_once = 5 }),
      { limits = { { id = "a", name = "a", at_once = 5, per_s = 1 } } } },
    ["a limit's name is no string"] = { with_limit({ name = 7 }) },
    ["a limit's requests is no whole number of at least 1"] = { with_limit({ requests = 0 }),
      with_limit({ requests = 1.5 }), with_limit({ requests = "7" }), with_limit({ requests = -1 }) },
    ["a limit's per_s is no whole number of at least 1"] = { with_limit({ per_s = 0 }), with_limit({ per_s = null }) },
    ["a limit's at_once is no whole number of at least 1"] = {
      { limits = { { id = "a", name = "a", at_once = 0 } } },
      { limits = { { id = "a", name = "a", at_once = null } } } },
    ["a limit's by is no string"] = { with_limit({ by = 7 }) },
    ["a limit's dry_run is no boolean"] = { with_limit({ dry_run = "true" }), with_limit({ dry_run = null }) },
    ["limit a can't be understood"] = { with_limit({ by = "mood" }) },
    ['limit "a can\'t be understood'] = { with_limit({ name = '"a' }) },
    ["limit a is too large"] = { with_limit({ requests = 2 ^ 40, per_s = 86400 }) },
    ["balancing is no string"] = { { balancing = {} } },
  }
  for why, cases in pairs(malformed) do
    it("can't be read when " .. why, function()
      for _, more in ipairs(cases) do
        assert.same({ nil, why }, { read(fields(more)) })
      end
    end)
  end

  it("can't be read when it is no object", function()
    for _, raw in ipairs({ "", "{", "7", '"public"', "null", "[]" }) do
      assert.is_nil((read(raw)))
    end
  end)
end)
