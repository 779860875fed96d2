local nginx = require("fake_ngx")

describe("credentials", function()
  local read
  before_each(function()
    nginx.start()
    nginx.replace("slipway.identity.digests", { of = function(text) return "digest of " .. text end })
    read = require("slipway.identity.credentials").read
  end)

  local VALUE = ("aZ0-_"):rep(8) .. "abc"

  local function of_cookies(header, scheme)
    local found = read(nil, header, scheme or "http")
    return found and found.cookie
  end

  it("are the session's cookie, by the request's scheme", function()
    assert.equal(VALUE, of_cookies("a=1; slipway-session=" .. VALUE .. "; b=2"))
    assert.equal(VALUE, of_cookies("__Host-slipway-session=" .. VALUE, "https"))
    assert.is_nil(of_cookies("__Host-slipway-session=" .. VALUE, "http"))
    assert.is_nil(of_cookies("slipway-session=" .. VALUE, "https"))
  end)

  it("are none without one", function()
    assert.is_nil(read(nil, nil, "http"))
    assert.is_nil(read(nil, "", "http"))
    assert.is_nil(read("Basic YTpi", "a=1", "http"))
  end)

  local odd = {
    ["twice"] = "slipway-session=" .. VALUE .. "; slipway-session=" .. VALUE,
    ["twice, once empty"] = "slipway-session=; slipway-session=" .. VALUE,
    ["in another case"] = "Slipway-Session=" .. VALUE,
    ["with a longer name"] = "slipway-session2=" .. VALUE,
    ["as another's value"] = "a=slipway-session=" .. VALUE,
    ["without a name"] = "=slipway-session=" .. VALUE,
    ["in quotes"] = 'slipway-session="' .. VALUE .. '"',
    ["with other characters"] = "slipway-session=a/b",
    ["empty"] = "slipway-session=",
    ["too long"] = "slipway-session=" .. ("a"):rep(201),
    ["between commas"] = "a=1, slipway-session=" .. VALUE,
  }
  for how, header in pairs(odd) do
    it("are none where the cookie comes " .. how, function()
      assert.is_nil(of_cookies(header))
    end)
  end

  it("are the bearer token before the cookie", function()
    local found = read("bearer  slw_abc", "slipway-session=" .. VALUE, "http")
    assert.same({ "slw_abc", nil, false, "bearer" }, { found.bearer, found.cookie, found.is_malformed, found.room })
  end)

  it("are the cookie where Authorization is about something else", function()
    for _, authorization in ipairs({ "Basic YTpi", "Bearers x", "Digest a=b", "" }) do
      assert.equal(VALUE, read(authorization, "slipway-session=" .. VALUE, "http").cookie)
    end
  end)

  it("are a bearer token that nobody need be asked about where it can't be one", function()
    for _, authorization in ipairs({
      "Bearer", "Bearer ", "Bearer a b", "Bearer a,b", "Bearer\ta", "BEARER é", "Bearer " .. ("a"):rep(8193),
    }) do
      local found = read(authorization, "slipway-session=" .. VALUE, "http")
      assert.is_true(found.is_malformed)
      assert.is_nil(found.cookie)
    end
  end)

  it("have names apart by their kind", function()
    local digest = require("slipway.identity.credentials").digest
    assert.are_not.equal(digest({ bearer = "a" }), digest({ cookie = "a" }))
  end)
end)
