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
    ["slipway-session=x; slipway-sessions=1; slipway-login=y; b=2"] = "b=2",
    ["SLIPWAY-SESSION=x; __host-Slipway-login=y; b=2"] = "b=2",
    ["a=1;\tslipway-session =x"] = "a=1",
    ["a=slipway-session; my-slipway-session=1; slipway-session=x"] = "a=slipway-session; my-slipway-session=1",
  }
  for sent, kept in pairs(cases) do
    it("are taken out of " .. sent, function()
      fake.var.http_cookie = sent
      cookies.withhold()
      assert.equal(kept, fake.req.headers.Cookie)
    end)
  end

  it("are taken out by what is known to be left of the header", function()
    fake.var.http_cookie = "a=1; slipway-session=x"
    cookies.withhold("a=1")
    assert.equal("a=1", fake.req.headers.Cookie)
    cookies.withhold("")
    assert.is_false(fake.req.headers.Cookie)
  end)

  it("leave other cookies as they are", function()
    fake.var.http_cookie = "a=1;b=2"
    cookies.withhold()
    assert.is_nil(fake.req.headers.Cookie)
  end)

  it("can't be set by an app, however they are written", function()
    for _, set in ipairs({
      "slipway-session=forged", "slipway-session=forged; Path=/; Domain=localhost; SameSite=None; Secure",
      "SlipWay-Session=forged", " slipway-session=forged", "\tslipway-login=forged", "slipway-session =forged",
      "slipway-session", "slipway-session;Max-Age=0", "slipway-login=; Max-Age=0", "==slipway-session=forged",
      "\127slipway-session=forged", "__HOST-slipway-session=forged; Secure; Path=/", "= __host-SLIPWAY-login=x",
    }) do
      fake.header.set_cookie = set
      cookies.guard()
      assert.is_nil(fake.header.set_cookie)
    end
  end)

  it("can't be set by an app beside others", function()
    fake.header.set_cookie = { "__Host-slipway_session=forged; Path=/", "mine=1" }
    cookies.guard()
    assert.same({ "mine=1" }, fake.header.set_cookie)
    fake.header.set_cookie = "=__Host-slipway_session=forged"
    cookies.guard()
    assert.is_nil(fake.header.set_cookie)
  end)
end)
