local nginx = require("fake_ngx")

describe("credentials", function()
  local read, fake
  before_each(function()
    fake = nginx.start()
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
      assert.is_true(read(authorization, nil, "http").is_malformed)
    end
  end)

  local CLAIMS = "Y2xhaW1z"

  -- What the payload CLAIMS is decoded to.
  local function claim(claims)
    fake.decode_base64 = function(text)
      return text == CLAIMS and claims or nil
    end
  end

  local function jwt(payload)
    return "e30." .. payload .. ".c2ln"
  end

  it("are a token for Slipway before the cookie, whoever signed it", function()
    for _, claims in ipairs({ '{"aud":"slipway-api"}', '{"aud":["account","slipway-api"]}' }) do
      claim(claims)
      assert.equal(jwt(CLAIMS), read("Bearer " .. jwt(CLAIMS), "slipway-session=" .. VALUE, "http").bearer)
    end
  end)

  it("are the cookie where the bearer token is the app's own", function()
    for _, claims in ipairs({ '{"aud":"shop"}', '{"aud":["shop"]}', '{"aud":7}', "{}", "[]", "7", "no JSON" }) do
      claim(claims)
      assert.equal(VALUE, read("Bearer " .. jwt(CLAIMS), "slipway-session=" .. VALUE, "http").cookie)
    end
    claim(nil)
    for _, token in ipairs({ "opaque", "a.b", "xslw_abc", "a b", jwt("no_base64") }) do
      assert.equal(VALUE, read("Bearer " .. token, "slipway-session=" .. VALUE, "http").cookie)
    end
  end)

  it("have names apart by their kind", function()
    local digest = require("slipway.identity.credentials").digest
    assert.are_not.equal(digest({ bearer = "a" }), digest({ cookie = "a" }))
  end)
end)
