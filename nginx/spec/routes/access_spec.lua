local cjson = require("cjson.safe")
local nginx = require("fake_ngx")

describe("who may use an app", function()
  local access
  before_each(function()
    nginx.start()
    access = require("slipway.routes.access")
  end)

  local function fields(more)
    local made = {
      policies = { { "tenant" }, { "public" } }, default = 0, paths = { { path = "/public/", policy = 1 } },
    }
    for name, value in pairs(more or {}) do
      made[name] = value
    end
    return made
  end

  it("is everybody where the entry says nothing", function()
    assert.equal("public", access.read(nil))
    assert.equal("public", access.read("public"))
  end)

  it("is kept where it is another word, which the gate refuses", function()
    assert.equal("unreadable", access.read("unreadable"))
  end)

  it("is policies by path, the longest path first", function()
    local read = access.read(fields({ paths = {
      { path = "/a", policy = 1 }, { path = "/a/b", policy = 0 }, { path = "/a/", policy = 1 },
    } }))
    assert.same({ { "tenant" }, { "public" } }, read.policies)
    assert.equal(1, read.default)
    assert.same({ "/a/b", "/a/", "/a" }, { read.rules[1].path, read.rules[2].path, read.rules[3].path })
    assert.same({ 1, 2, 2 }, { read.rules[1].policy, read.rules[2].policy, read.rules[3].policy })
  end)

  it("may have one policy for all paths", function()
    local read = access.read({ policies = { { "signed-in", "group:/tenants/acme" } }, default = 0 })
    assert.same({}, read.rules)
    assert.same({ 1 }, read.of_all.policies)
  end)

  it("is the same where requests are judged by the same", function()
    local read = access.read
    assert.is_true(access.are_same("public", "public"))
    assert.is_true(access.are_same(read(fields()), read(fields())))
    for _, other in ipairs({
      "public", read(fields({ default = 1 })), read(fields({ policies = { { "signed-in" }, { "public" } } })),
      read(fields({ paths = {} })), read(fields({ paths = { { path = "/public/", policy = 0 } } })),
      read(fields({ paths = { { path = "/public", policy = 1 } } })),
    }) do
      assert.is_false(access.are_same(read(fields()), other))
    end
  end)

  local null = cjson.null
  local malformed = {
    ["access is no object"] = { null, 7, true, false },
    ["access has a field that is not known: users"] = { fields({ users = {} }) },
    ["access.policies is no list"] = { fields({ policies = null }), fields({ policies = { a = { "tenant" } } }), {} },
    ["access.default is the number of no policy"] = { fields({ default = 2 }), fields({ default = -1 }),
      fields({ default = 0.5 }), fields({ default = "0" }), fields({ default = null }), fields({ policies = {} }) },
    ["a policy is no list"] = { fields({ policies = { "tenant" } }), fields({ policies = { { a = "tenant" } } }) },
    ["a policy has no term"] = { fields({ policies = { {} } }) },
    ["a policy's term is not known: friends"] = { fields({ policies = { { "friends" } } }) },
    ["a policy's term is not known: role:admin"] = { fields({ policies = { { "tenant", "role:admin" } } }) },
    ["a policy's term is not known: group:tenants"] = { fields({ policies = { { "group:tenants" } } }) },
    ["a policy's term is not known: Public"] = { fields({ policies = { { "Public" } } }) },
    ["a policy's term is not known: 7"] = { fields({ policies = { { 7 } } }) },
    ["a policy has public beside other terms"] = { fields({ policies = { { "public", "tenant" } } }) },
    ["a policy has nobody beside other terms"] = { fields({ policies = { { "tenant", "nobody" } } }) },
    ["access.paths is no list"] = { fields({ paths = null }), fields({ paths = { path = "/a", policy = 0 } }) },
    ["a rule of access is no object"] = { fields({ paths = { "/a" } }) },
    ["a rule of access has a field that is not known: methods"] = {
      fields({ paths = { { path = "/a", policy = 0, methods = { "GET" } } } }) },
    ["the path of a rule of access can't be understood"] = { fields({ paths = { { policy = 0 } } }),
      fields({ paths = { { path = "a", policy = 0 } } }), fields({ paths = { { path = "/a\n", policy = 0 } } }) },
    ["a rule's policy is the number of no policy"] = { fields({ paths = { { path = "/a", policy = 2 } } }),
      fields({ paths = { { path = "/a" } } }) },
    ["two rules of access are for one path"] = {
      fields({ paths = { { path = "/a", policy = 0 }, { path = "/A", policy = 1 } } }) },
  }
  for why, cases in pairs(malformed) do
    it("can't be read when " .. why, function()
      for _, value in ipairs(cases) do
        local ok, err = pcall(access.read, value)
        assert.same({ false, why }, { ok, err })
      end
    end)
  end
end)
