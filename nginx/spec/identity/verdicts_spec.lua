local cjson = require("cjson.safe")
local nginx = require("fake_ngx")

describe("verdicts", function()
  local fake, verdicts, versions, entry, asked, answers, asker, waits

  local function with_policy(term)
    return require("slipway.routes.access").read({ policies = { { term } }, default = 0 })
  end

  before_each(function()
    fake = nginx.start()
    asked, answers = {}, {}
    nginx.replace("slipway.identity.digests", { of = function(text) return "digest of " .. text end })
    nginx.replace("slipway.worker.process", { instance = function() return "1.1" end })
    nginx.replace("resty.lrucache", { new = function()
      local values = {}
      return {
        get = function(_, key) return values[key] end,
        set = function(_, key, value) values[key] = value end,
      }
    end })
    nginx.replace("slipway.identity.router_client", { TIMEOUT_S = 2, post = function(path, document)
      asked[#asked + 1] = document
      assert.equal("/internal/authorize", path)
      local answer = table.remove(answers, 1)
      return unpack(type(answer) == "function" and answer() or answer)
    end })
    fake.sleep = fake.advance
    versions = require("slipway.identity.versions")
    waits = fake.advance
    nginx.replace("ngx.semaphore", { new = function()
      return { post = function() end, wait = function(_, seconds) waits(seconds) end }
    end })
    verdicts = require("slipway.identity.verdicts")
    verdicts.start()
    entry = nginx.entry({}, { access = with_policy("tenant") })
    asker = { address = "192.0.2.1", request_id = "r-1" }
    fake.var.http_cookie, fake.var.slipway_proto = "slipway-session=a", "http"
  end)

  local COOKIE = { cookie = "a", header = "slipway-session=a", room = "http" }

  local function known(more)
    local fields = {
      known = true, kind = "person", allows = { true }, subjects = { "person:1" }, user = "ada", id = "1",
      identity = "a.b.c", lasts_s = 10,
    }
    for name, value in pairs(more or {}) do
      fields[name] = value
    end
    return { 200, cjson.encode(fields) }
  end

  local function of(credentials, of_entry)
    return verdicts.of({}, of_entry or entry, credentials or COOKIE, asker)
  end

  it("are asked for once, and used for 10 s", function()
    answers = { known(), known() }
    assert.equal("ada", of().user)
    assert.equal("ada", of().user)
    assert.equal(1, #asked)
    assert.same({ "shop.localhost", "1", "shop", "acme", { { "tenant" } }, "a", cjson.null, "192.0.2.1", "r-1" }, {
      asked[1].host, asked[1].app, asked[1].name, asked[1].tenant, asked[1].policies, asked[1].cookie, asked[1].bearer,
      asked[1].address, asked[1].request_id,
    })
    fake.advance(10)
    of()
    assert.equal(2, #asked)
  end)

  it("are cached, without waiting where this worker has a good one for the same policies", function()
    answers = { known() }
    assert.is_nil(verdicts.cached(entry.access))
    of()
    assert.equal("ada", verdicts.cached(entry.access).user)
    assert.is_nil(verdicts.cached({}))
    fake.var.http_authorization = "Bearer slw_other"
    assert.is_nil(verdicts.cached(entry.access))
    fake.var.http_authorization = "Basic YTpi"
    assert.equal("ada", verdicts.cached(entry.access).user)
    fake.var.slipway_proto = "https"
    assert.is_nil(verdicts.cached(entry.access))
    fake.var.slipway_proto = "http"
    versions.change("person:1")
    assert.is_nil(verdicts.cached(entry.access))
  end)

  it("are cached with what is left of the header's cookies", function()
    local header = "a=1; slipway-session=a"
    fake.var.http_cookie = header
    answers = { known() }
    of({ cookie = "a", header = header, room = "http" })
    assert.equal("a=1", verdicts.cached(entry.access).credentials.rest)
  end)

  it("that several wait for have each the credentials of its own", function()
    local one = { cookie = "a", header = "mine=1; slipway-session=a", room = "http" }
    local other = { cookie = "a", header = "mine=2; slipway-session=a", room = "http" }
    local waiter = coroutine.wrap(function() return of(other) end)
    waits = coroutine.yield
    answers = { function()
      waiter()
      return known()
    end }
    local of_one = of(one)
    assert.same({ one, other }, { of_one.credentials, waiter().credentials })
    for _, each in ipairs({ one, other }) do
      fake.var.http_cookie = each.header
      assert.equal(each.header, verdicts.cached(entry.access).credentials.header)
    end
    assert.equal(1, #asked)
  end)

  it("are not cached where nobody is known", function()
    answers = { { 200, '{"known": false}' } }
    assert.is_false(of().known)
    assert.is_nil(verdicts.cached(entry.access))
    of()
    assert.equal(1, #asked)
  end)

  it("are others for other hosts, policies and credentials", function()
    local function other(more)
      local made = nginx.entry({}, { access = entry.access })
      for name, value in pairs(more) do
        made[name] = value
      end
      return made
    end
    answers = { known(), known(), known(), known(), known() }
    of()
    of(COOKIE, other({ host = "blog.localhost" }))
    of(COOKIE, other({ access = with_policy("signed-in") }))
    of({ cookie = "b", header = "slipway-session=b", room = "http" })
    of({ bearer = "a", header = "Bearer a", room = "bearer" })
    assert.equal(5, #asked)
  end)

  it("are asked for anew when their subject changes, also while the router is asked", function()
    answers = {
      function()
        versions.change("person:1")
        return known({ user = "before" })
      end,
      known({ user = "after" }),
    }
    assert.equal("after", of().user)
    assert.equal(2, #asked)
  end)

  it("are none when callers change faster than they can be asked about", function()
    for _ = 1, 100 do
      answers[#answers + 1] = function()
        versions.change("person:1")
        fake.advance(0.5)
        return known()
      end
    end
    assert.same({ nil, "callers change faster than they can be asked about" }, { of() })
    assert.is_true(#asked < 10)
  end)

  it("are not kept where something went wrong", function()
    answers = { { 503, "" }, { nil, "timeout" }, { 200, "nope" }, known() }
    assert.same({ nil, "it answers 503" }, { of() })
    assert.same({ nil, "timeout" }, { of() })
    assert.same({ nil, "its verdict can't be understood: it is no JSON object" }, { of() })
    assert.equal("ada", of().user)
  end)

  it("may be used once where they last no time at all", function()
    answers = { known({ lasts_s = 0 }), known({ lasts_s = 0 }) }
    assert.equal("ada", of().user)
    assert.is_nil(verdicts.cached(entry.access))
    of()
    assert.equal(2, #asked)
  end)

  it("hold for the request that they were asked for, however short they last, until their subject changes", function()
    answers = { known({ lasts_s = 0 }) }
    local verdict = of()
    assert.is_true(verdicts.still_holds(verdict))
    versions.change("person:1")
    assert.is_false(verdicts.still_holds(verdict))
    answers = { known({ lasts_s = 0 }) }
    verdict = of()
    fake.advance(1)
    assert.is_false(verdicts.still_holds(verdict))
  end)

  it("of another worker's question are waited for", function()
    local key = "shop.localhost|acme|shop|1|digest of " .. cjson.encode(entry.access.policies) .. "|digest of cookie a"
    fake.shared.slipway_verdicts:set("asking " .. key, "2.2")
    fake.sleep = function()
      fake.advance(0.005)
      fake.shared.slipway_verdicts:set(key, "0 1000\n" .. known({ user = "of the other" })[2], 10)
    end
    assert.equal("of the other", of().user)
    assert.equal(0, #asked)
  end)

  it("of another worker that it got just before its lock ended are used", function()
    local key = "shop.localhost|acme|shop|1|digest of " .. cjson.encode(entry.access.policies) .. "|digest of cookie a"
    local add = fake.shared.slipway_verdicts.add
    rawset(fake.shared.slipway_verdicts, "add", function(...)
      fake.shared.slipway_verdicts:set(key, "0 1000\n" .. known({ user = "of the other" })[2], 10)
      return add(...)
    end)
    assert.equal("of the other", of().user)
    assert.equal(0, #asked)
  end)

  it("are asked for by this worker when the other one fails, or dies", function()
    local key = "shop.localhost|acme|shop|1|digest of " .. cjson.encode(entry.access.policies) .. "|digest of cookie a"
    fake.shared.slipway_verdicts:set("asking " .. key, "2.2", 1)
    answers = { known() }
    assert.equal("ada", of().user)
    assert.equal(1, #asked)
  end)
end)
