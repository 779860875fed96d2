local nginx = require("fake_ngx")

describe("Slipway's own cookies", function()
  local fake, cookies
  before_each(function()
    fake = nginx.start()
    cookies = require("slipway.request.cookies")
  end)

  local cases = {
    ["a=1; __Host-slipway_session=x; b=2"] = "a=1; b=2",
    ["__Host-slipway_session=x"] = false,
    ["=__Host-slipway_session=x; a=1"] = "a=1", -- a cookie without a name
    ["a=1;  __Host-slipway=x"] = "a=1",
  }
  for sent, kept in pairs(cases) do
    it("are taken out of " .. sent, function()
      fake.var.http_cookie = sent
      cookies.withhold()
      assert.equal(kept, fake.req.headers.Cookie)
    end)
  end

  it("leave other cookies as they are", function()
    fake.var.http_cookie = "a=1;b=2"
    cookies.withhold()
    assert.is_nil(fake.req.headers.Cookie)
  end)

  it("can't be set by an app", function()
    fake.header.set_cookie = { "__Host-slipway_session=forged; Path=/", "mine=1" }
    cookies.guard()
    assert.same({ "mine=1" }, fake.header.set_cookie)
    fake.header.set_cookie = "=__Host-slipway_session=forged"
    cookies.guard()
    assert.is_nil(fake.header.set_cookie)
  end)
end)
