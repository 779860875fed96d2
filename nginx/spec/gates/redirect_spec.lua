local nginx = require("fake_ngx")

describe("the gate of redirects", function()
  local fake, redirect, verdicts
  before_each(function()
    fake = nginx.start()
    fake.var = { slipway_proto = "https", slipway_host = "www.shop.example", request_uri = "/a%2Fb?x=1&y=/" }
    redirect = require("slipway.gates.redirect")
    verdicts = require("slipway.gates.verdicts")
  end)

  local function to(entry)
    local ctx = {}
    local verdict, where = redirect.check(ctx, entry)
    return verdict, where, ctx
  end

  it("passes every host that serves, on either way", function()
    assert.is_nil(to({}))
    assert.is_true(redirect.passes_at_once({}, {}))
  end)

  it("sends to the other host with scheme, path and query, for good", function()
    local verdict, where, ctx = to({ redirect_to = "shop.example" })
    local found = { verdict, where, ctx.redirect_status }
    assert.same({ verdicts.REDIRECT, "https://shop.example/a%2Fb?x=1&y=/", 308 }, found)
    assert.equal("max-age=3600", ctx.headers.of_response["Cache-Control"])
    assert.is_false(redirect.passes_at_once({}, { redirect_to = "shop.example" }))
  end)

  it("keeps the port", function()
    fake.var.slipway_host = "www.shop.example:8080"
    assert.equal("https://shop.example:8080/a%2Fb?x=1&y=/", select(2, to({ redirect_to = "shop.example" })))
  end)

  it("never has a path become a host", function()
    for uri, expected in pairs({ ["//evil.example"] = "//evil.example", ["?x"] = "/?x", ["@evil"] = "/@evil" }) do
      fake.var.request_uri = uri
      assert.equal("https://shop.example" .. expected, select(2, to({ redirect_to = "shop.example" })))
    end
  end)
end)
