local ffi = require("ffi")
local nginx = require("fake_ngx")

describe("headers in which a client says who it is", function()
  local fake, client_headers, sent, values
  before_each(function()
    values = {}
    fake = nginx.start()
    nginx.replace("slipway.request.request_headers", {
      read = function()
        local found = {}
        for i, name in ipairs(sent) do
          local value = values[name] or ""
          found[i - 1] = {
            key = { data = ffi.cast("const uint8_t *", name), len = #name },
            value = { data = ffi.cast("const uint8_t *", value), len = #value },
          }
        end
        return found, #sent
      end,
    })
    client_headers = require("slipway.request.client_headers")
  end)

  local function dropped(drop, ...)
    sent, fake.req.headers = { ... }, {}
    drop()
    local names = {}
    for name in pairs(fake.req.headers) do
      names[#names + 1] = name
    end
    table.sort(names)
    return names
  end

  it("are dropped by how they begin, with any separator", function()
    assert.same({ "cf-connecting-ip", "remote_user", "x.forwarded.server", "x_auth-user" },
      dropped(client_headers.drop, "x_auth-user", "remote_user", "x.forwarded.server", "cf-connecting-ip", "accept"))
  end)

  it("are dropped in every spelling that an app may take for who signed in", function()
    local spellings = { "x-forwarded-user", "x.forwarded.user", "x_forwarded-groups", "x_forwarded_user",
      "x-slipway-identity", "x_slipway.identity", "x-forwarded_email" }
    table.sort(spellings)
    assert.same(spellings, dropped(client_headers.drop, unpack(spellings)))
  end)

  it("are dropped by their whole name", function()
    assert.same({ "x-user" }, dropped(client_headers.drop, "x-user", "x-usage", "x-us", "x"))
  end)

  it("stay where nginx replaces them or an app needs them", function()
    assert.same({}, dropped(client_headers.drop, "x-forwarded-for", "x-real-ip", "x-auth-token", "authorization"))
  end)

  it("are dropped with a token of Slipway's own, which the console needs", function()
    for _, value in ipairs({ "Bearer slw_x", "bearer\tslw_x", "Token slw_x", "slw_x" }) do
      values = { authorization = value }
      assert.same({ "authorization" }, dropped(client_headers.drop, "authorization"))
      assert.same({}, dropped(client_headers.drop_for_console, "authorization"))
    end
    values = { authorization = "Bearer own", ["x-token"] = "slw_x" }
    assert.same({}, dropped(client_headers.drop, "authorization", "x-token"))
  end)

  it("reach the console only where it asks for them", function()
    assert.same({ "x-slipway-confirm" }, dropped(client_headers.drop, "x-slipway-confirm"))
    assert.same({}, dropped(client_headers.drop_for_console, "x-slipway-tenant"))
    assert.same({ "x-slipway-user" }, dropped(client_headers.drop_for_console, "x-slipway-confirm", "x-slipway-user"))
  end)

  it("leave what the router asks by of a request that somebody tries", function()
    sent, values = { "x-user", "x-slipway-try", "accept" }, { ["x-slipway-try"] = "1.a=" }
    assert.equal("1.a=", client_headers.drop())
    assert.is_false(fake.req.headers["x-slipway-try"])
    sent = { "x-user", "x-slipway-tried" }
    assert.is_nil(client_headers.drop())
  end)
end)
