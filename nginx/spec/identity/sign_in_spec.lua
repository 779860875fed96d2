local nginx = require("fake_ngx")

describe("signing in", function()
  local asked, fake, settings, sign_in
  before_each(function()
    fake = nginx.start()
    asked = {}
    settings = nginx.replace("slipway.worker.settings", { public_url = "http://slipway.localhost:8080" })
    nginx.replace("slipway.request.client_address", { of_request = function() return "192.0.2.1" end })
    nginx.replace("slipway.identity.credentials", { login_cookie = function() return nil end })
    nginx.replace("slipway.identity.router_client", {
      post = function(path)
        asked[#asked + 1] = path
        return 200, '{"location":"' .. settings.public_url .. '/auth/apps/1","cookie":"slipway-login=x"}'
      end,
    })
    fake.var = { slipway_host = "shop.localhost:8080", slipway_proto = "http", request_uri = "/a?b=%20c" }
    sign_in = require("slipway.identity.sign_in")
  end)

  it("begins at the console, with a cookie", function()
    assert.same({ "http://slipway.localhost:8080/auth/apps/1", "slipway-login=x" }, { sign_in.begin() })
    assert.same({ "/internal/sign-in" }, asked)
  end)

  it("begins over TLS alone where the console has it", function()
    settings.public_url = "https://slipway.example.org"
    assert.same({ "https://shop.localhost/a?b=%20c" }, { sign_in.begin() })
    settings.public_url = "https://slipway.example.org:8443/"
    assert.same({ "https://shop.localhost:8443/a?b=%20c" }, { sign_in.begin() })
    assert.same({}, asked)
    fake.var.slipway_proto = "https"
    settings.public_url = "https://slipway.example.org"
    assert.equal("https://slipway.example.org/auth/apps/1", (sign_in.begin()))
  end)
end)
