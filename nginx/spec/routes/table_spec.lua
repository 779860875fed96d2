local cjson = require("cjson.safe")
local nginx = require("fake_ngx")

describe("the route table", function()
  local fake, routes
  before_each(function()
    fake = nginx.start()
    nginx.replace("slipway.worker.process", { is_orphan = function() return false end })
    routes = require("slipway.routes.table")
    routes.hold("e", 1)
  end)

  local function entry(app)
    return cjson.encode({ app = app, name = "shop", tenant = "acme", generation = 1, targets = {} })
  end

  local function app_at(host)
    local found, why = routes.entry(host)
    return found and found.app or why
  end

  it("finds a wildcard's entry one label below, and no deeper", function()
    routes.put("*.shop.example", entry("7"))
    assert.equal("7", app_at("a.shop.example"))
    assert.equal("7", app_at("xn--bcher-kva.shop.example"))
    for _, host in ipairs({ "shop.example", "b.a.shop.example", "a.shop.example.org", "ashop.example", "shop" }) do
      assert.equal("unknown-host", app_at(host))
    end
  end)

  it("answers nobody who asks for the star itself", function()
    routes.put("*.shop.example", entry("7"))
    assert.equal("bad-request", app_at("*.shop.example"))
    assert.equal("bad-request", app_at("*.*.shop.example"))
  end)

  it("has no app for what is no host", function()
    routes.put("*.shop.example", entry("7"))
    for _, text in ipairs({ "", "a@b.shop.example", "a;b.shop.example", "\255.shop.example", "[x]", "%.shop.example" })
    do
      assert.equal("bad-request", app_at(text))
    end
    assert.equal("unknown-host", app_at("[::1]"))
  end)

  it("has the exact host win, from the moment it comes until it leaves", function()
    routes.put("*.shop.example", entry("7"))
    local before = routes.entry("a.shop.example")
    assert.is_true(routes.is_current(before))
    routes.put("a.shop.example", entry("8"))
    assert.is_false(routes.is_current(before))
    assert.equal("8", app_at("a.shop.example"))
    local exact = routes.entry("a.shop.example")
    routes.put("a.shop.example", "")
    assert.is_false(routes.is_current(exact))
    assert.equal("7", app_at("a.shop.example"))
  end)

  it("has an exact host win that can't be read", function()
    routes.put("*.shop.example", entry("7"))
    routes.put("a.shop.example", "{}")
    assert.equal("broken-route", app_at("a.shop.example"))
  end)

  it("has no wildcard answer while an exact host may be missing", function()
    routes.put("*.shop.example", entry("7"))
    local before = routes.entry("a.shop.example")
    fake.shared.slipway_state:set("complete", false)
    routes.put("other.example", entry("9"))
    assert.equal("edge-starting", app_at("a.shop.example"))
    assert.is_false(routes.is_current(before))
  end)

  it("follows a wildcard that changes or leaves", function()
    routes.put("*.shop.example", entry("7"))
    local before = routes.entry("a.shop.example")
    routes.put("*.shop.example", entry("8"))
    assert.is_false(routes.is_current(before))
    assert.equal("8", app_at("a.shop.example"))
    routes.put("other.example", entry("9"))
    assert.is_true(routes.is_current(routes.entry("a.shop.example")))
    routes.put("*.shop.example", "")
    assert.equal("unknown-host", app_at("a.shop.example"))
    routes.put("*.shop.example", "{}")
    assert.equal("broken-route", app_at("a.shop.example"))
  end)

  it("gives each host an entry of its own that counts in one place", function()
    routes.put("*.shop.example", entry("7"))
    local a, b = routes.entry("a.shop.example"), routes.entry("b.shop.example")
    assert.same({ "a.shop.example", "b.shop.example" }, { a.host, b.host })
    a.series = "counted"
    assert.equal("counted", b.series)
    assert.equal(a.targets, b.targets)
    assert.equal(a, routes.last_read("a.shop.example"))
  end)

  it("keeps other hosts' entries however many names below a wildcard are asked for", function()
    routes.put("*.shop.example", entry("7"))
    routes.put("exact.example", entry("8"))
    local exact = routes.entry("exact.example")
    for number = 1, 5000 do
      routes.entry(number .. ".shop.example")
    end
    assert.equal(exact, routes.last_read("exact.example"))
    assert.equal("7", app_at("4999.shop.example"))
  end)
end)
