local cjson = require("cjson.safe")
local nginx = require("fake_ngx")

describe("a verdict", function()
  local verdict_of
  before_each(function()
    nginx.start()
    verdict_of = require("slipway.identity.verdict")
  end)

  local function body(more)
    local made = {
      known = true, kind = "person", allows = { true, false }, subjects = { "person:1", "session:2" }, user = "ada",
      id = "1", email = "ada@example.org", groups = { "/tenants/acme/owner", "/staff" }, identity = "a.b-c.d_e",
      expires_at = cjson.null, lasts_s = 10,
    }
    for name, value in pairs(more or {}) do
      made[name] = value
    end
    return cjson.encode(made)
  end

  local function read(more)
    return verdict_of.read(body(more), 2, 1000, 7)
  end

  it("has what the router says", function()
    local verdict = read()
    assert.same({ true, "person", "ada", "1", "ada@example.org" },
      { verdict.known, verdict.kind, verdict.user, verdict.id, verdict.email })
    assert.equal("/tenants/acme/owner,/staff", verdict.groups)
    assert.same({ 7, 1000, 1010 }, { verdict.version, verdict.began_s, verdict.until_s })
  end)

  it("is what an app gets of the caller, in one text", function()
    assert.equal("a.b-c.d_e\r\nX-Forwarded-User: ada\r\nX-Forwarded-Groups: /tenants/acme/owner,/staff\r\n"
      .. "X-Forwarded-Email: ada@example.org", read().lines)
    assert.equal("a.b-c.d_e\r\nX-Forwarded-User: ada", read({ groups = {}, email = cjson.null }).lines)
    assert.equal("a.b-c.d_e", read({ user = "", groups = {}, email = "" }).lines)
  end)

  it("lasts 10 s at most, and no longer than the session or token", function()
    assert.equal(1010, read({ lasts_s = 3600 }).until_s)
    assert.equal(1002, read({ lasts_s = 2 }).until_s)
    assert.equal(1000.5, read({ expires_at = 1000.5 }).until_s)
    assert.equal(1000, read({ lasts_s = 0 }).until_s)
  end)

  it("is that nobody is known where the session or token has ended", function()
    assert.is_false(read({ expires_at = 1000 }).known)
    assert.is_false(verdict_of.read('{"known": false, "why": "expired"}', 2, 1000, 7).known)
  end)

  it("is used between its beginning and its end", function()
    local verdict = read()
    assert.is_true(verdict_of.is_fresh(verdict, 1009.9))
    assert.is_false(verdict_of.is_fresh(verdict, 1010))
    assert.is_false(verdict_of.is_fresh(verdict, 900)) -- the clock was put back
  end)

  it("says a comma in a group's name so that it is no second group", function()
    assert.equal("/staff%2C/tenants/acme/owner,/100%25", read({ groups = { "/staff,/tenants/acme/owner", "/100%" } })
      .groups)
    assert.is_nil(read({ groups = {} }).groups)
    assert.is_nil(read({ groups = cjson.null }).groups)
  end)

  it("has no address where none is verified", function()
    assert.is_nil(read({ email = cjson.null }).email)
    assert.is_nil(read({ email = "" }).email)
  end)

  it("meets a set of policies when it meets each", function()
    local verdict = read()
    assert.is_true(verdict_of.meets(verdict, { policies = { 1 } }))
    assert.is_false(verdict_of.meets(verdict, { policies = { 1, 2 } }))
  end)

  it("allows as much as another that allows no more", function()
    local less, more = read({ allows = { true, false } }), read({ allows = { true, true } })
    assert.is_true(verdict_of.allows_as_much(more, less))
    assert.is_false(verdict_of.allows_as_much(less, more))
  end)

  local malformed = {
    ["known is no boolean"] = { { known = "true" }, { known = cjson.null } },
    ["kind is not known: user"] = { { kind = "user" } },
    ["allows has not one value for each policy"] = { { allows = { true } }, { allows = { true, true, true } },
      { allows = { a = true } } },
    ["allows has a value that is no boolean"] = { { allows = { 1, 1 } }, { allows = { "true", "true" } } },
    ["allows is no list"] = { { allows = cjson.null }, { allows = true } },
    ["subjects are empty"] = { { subjects = {} } },
    ["subjects has a value that is no string"] = { { subjects = { 1 } } },
    ["user is no text of one line"] = { { user = "a\r\nX-Forwarded-Groups: /tenants/acme/owner" }, { user = 7 } },
    ["email is no text of one line"] = { { email = "a\nb" } },
    ["a group is no text of one line"] = { { groups = { "/a\r\nb" } } },
    ["identity is no JWT"] = { { identity = "a b" }, { identity = "" } },
    ["lasts_s is no number"] = { { lasts_s = "10" } },
    ["expires_at is no number"] = { { expires_at = "never" } },
  }
  for why, cases in pairs(malformed) do
    it("is none when " .. why, function()
      for _, more in ipairs(cases) do
        assert.same({ nil, why }, { read(more) })
      end
    end)
  end

  it("is none when it is no JSON object", function()
    for _, text in ipairs({ "", "nope", "7", "null", '"known"' }) do
      assert.is_nil((verdict_of.read(text, 2, 1000, 7)))
    end
  end)
end)
