local nginx = require("fake_ngx")

describe("what limits say of an answer", function()
  local fake, headers, ctx
  before_each(function()
    fake = nginx.start()
    headers = require("slipway.gates.headers")
    local shown = { policies = "p", begins = '"calls";r=', key = "", most = "10", left = 7, reset_s = 3,
      between_of_s = -1, lines_begin = '\r\nRateLimit-Policy: p\r\nX-RateLimit-Limit: 10\r\nRateLimit: "calls";r=' }
    ctx = { limited = { shown = shown } }
  end)

  local function written(is_http1)
    headers.write_response(ctx, is_http1)
    return fake.header, fake.var.slipway_limit_lines
  end

  it("is one text where the client speaks HTTP/1", function()
    local set, lines = written(true)
    assert.same({}, set)
    assert.equal('\r\nRateLimit-Policy: p\r\nX-RateLimit-Limit: 10\r\nRateLimit: "calls";r=7;t=3\r\n'
      .. "X-RateLimit-Reset: 3\r\nX-RateLimit-Remaining: 7", lines)
  end)

  local function is_headers()
    assert.equal('"calls";r=7;t=3', fake.header["RateLimit"])
    assert.is_nil(fake.var.slipway_limit_lines)
  end

  it("is headers where the client may speak HTTP/2, which has no lines", function()
    written(nil)
    is_headers()
  end)

  it("is headers where it takes the place of what the app says", function()
    for _, name in ipairs({ "RateLimit", "RateLimit-Policy", "X-RateLimit-Limit", "X-RateLimit-Remaining",
      "X-RateLimit-Reset" }) do
      fake.header = { [name] = "the app's" }
      written(true)
      is_headers()
      assert.not_equal("the app's", fake.header[name])
    end
  end)

  it("is headers where it says when to come again", function()
    ctx.limited.shown.retry_after = "5"
    written(true)
    is_headers()
    assert.equal("5", fake.header["Retry-After"])
  end)

  it("is of the portion as it is now, where the caller has one", function()
    ctx.limits_left, ctx.limited.reset_at_s = 41, fake.now() + 1.5
    local _, lines = written(true)
    assert.truthy(lines:find("r=41;t=2\r\n", 1, true))
  end)
end)
