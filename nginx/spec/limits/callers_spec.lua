local nginx = require("fake_ngx")

describe("the callers that limits count", function()
  local callers, signed
  before_each(function()
    local fake = nginx.start()
    signed = {}
    nginx.replace("slipway.identity.digests", {})
    fake.hmac_sha1 = function(secret, text)
      signed[#signed + 1] = text
      return secret .. text:reverse() .. "more"
    end
    fake.encode_base64 = function(bytes) return "base64 of " .. bytes end
    nginx.replace("resty.lrucache", { new = function()
      local values = {}
      return {
        get = function(_, key) return values[key] end,
        set = function(_, key, value) values[key] = value end,
      }
    end })
    require("slipway.worker.settings").limits_secret = "s"
    callers = require("slipway.limits.callers")
  end)

  it("have the same name for clients each time, which is computed once, and none that another one has", function()
    local ada, bob = callers.opaque("user ada"), callers.opaque("user bob")
    assert.same({ "base64 of sada resu", "base64 of sbob resu" }, { ada, bob })
    assert.same({ ada, bob }, { callers.opaque("user ada"), callers.opaque("user bob") })
    assert.same({ "user ada", "user bob" }, signed)
  end)
end)
