local cjson = require("cjson.safe")
local nginx = require("fake_ngx")

local VECTORS = "../tests/vectors/access_paths.json"

local function read_vectors()
  local file = assert(io.open(VECTORS))
  local text = file:read("*a")
  file:close()
  return assert(cjson.decode(text))
end

describe("the policies of a path", function()
  local access_paths, read
  before_each(function()
    nginx.start()
    access_paths = require("slipway.identity.access_paths")
    read = require("slipway.routes.access").read
  end)

  local function numbers(set)
    local found = {}
    for i, number in ipairs(set.policies) do
      found[i] = number - 1
    end
    return found
  end

  local vectors = read_vectors()
  for _, vector in ipairs(vectors.vectors) do
    it("are those of the vector " .. vector.table .. ", " .. cjson.encode(vector.path) .. ": " .. vector.why, function()
      local access = read(vectors.tables[vector.table])
      assert.same(vector.meets, numbers(access_paths.required(access, vector.path)))
    end)
  end

  it("may be public, for nobody, or for programs alone", function()
    local function set(...)
      return access_paths.set_of({ ... }, { 1, select("#", ...) > 1 and 2 or nil })
    end
    local function flags(found)
      return { found.is_public, found.is_nobody, found.may_sign_in }
    end
    assert.same({ true, false, true }, flags(set({ "public" })))
    assert.same({ false, false, true }, flags(set({ "tenant" })))
    assert.same({ false, false, true }, flags(set({ "public" }, { "signed-in" })))
    assert.same({ false, true, false }, flags(set({ "public" }, { "nobody" })))
    assert.same({ false, false, false }, flags(set({ "token" })))
    assert.same({ false, false, true }, flags(set({ "token", "role:owner" })))
    assert.same({ false, false, false }, flags(set({ "tenant" }, { "token" })))
  end)
end)
