local nginx = require("fake_ngx")

describe("a failure's code", function()
  local fake, failures
  before_each(function()
    fake = nginx.start()
    failures = require("slipway.responses.failures")
  end)

  it("is itself where it has a row", function()
    assert.equal("app-busy", failures.described("app-busy"))
    assert.same({}, fake.logged)
  end)

  it("becomes the platform's own failure where it has none, which is logged", function()
    for _, code in ipairs({ "no-such-code", {}, false }) do
      assert.equal("internal", failures.described(code))
    end
    assert.equal("internal", failures.described(nil))
    assert.equal("a request was refused with a code that failures.lua does not have: no-such-code", fake.logged[1])
    assert.equal(4, #fake.logged)
  end)
end)
