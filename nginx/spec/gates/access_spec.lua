local nginx = require("fake_ngx")

describe("the gate of access", function()
  local fake, access, entry, settings, verdicts, answer, held, sign_in
  before_each(function()
    fake = nginx.start()
    settings = require("slipway.worker.settings")
    settings.sign_on = true
    answer, held, sign_in = nil, nil, { "https://slipway.example/auth/apps/1", "slipway-login=x" }
    nginx.replace("slipway.identity.verdicts", {
      of = function(_, _, credentials)
        if not answer then
          return nil, "it answers 503"
        end
        answer.credentials = credentials
        return answer
      end,
      cached = function() return held end,
      still_holds = function(verdict) return not verdict.is_old end,
    })
    nginx.replace("slipway.identity.digests", { of = function(text) return text end })
    nginx.replace("slipway.request.client_address", { of_request = function() return "192.0.2.1" end })
    nginx.replace("slipway.identity.sign_in", {
      is_possible = function() return fake.var.http_accept == "text/html" end,
      begin = function() return unpack(sign_in) end,
    })
    fake.var.request_uri, fake.var.slipway_proto = "/x", "http"
    access = require("slipway.gates.access")
    verdicts = require("slipway.gates.verdicts")
    entry = nginx.entry({}, { access = require("slipway.routes.access").read({
      policies = { { "tenant" }, { "public" }, { "token" }, { "nobody" } }, default = 0,
      paths = { { path = "/public", policy = 1 }, { path = "/api", policy = 2 }, { path = "/never", policy = 3 } },
    }) })
  end)

  local function known(...)
    return { known = true, kind = "person", user = "ada", id = "1", allows = { ... }, subjects = { "person:1" } }
  end

  local function signed_in()
    fake.var.http_cookie = "slipway-session=" .. ("a"):rep(43)
  end

  local function check(path)
    fake.var.request_uri = path or "/x"
    local ctx = {}
    local verdict, detail = access.check(ctx, entry)
    return verdict, detail, ctx
  end

  local function refuses(code, path)
    local verdict, detail, ctx = check(path)
    assert.same({ verdicts.REFUSE, code }, { verdict, detail })
    return ctx
  end

  it("lets everybody see a public path, also without sign-on, and asks nobody who they are", function()
    settings.sign_on = false
    signed_in()
    local verdict, _, ctx = check("/public/x?y")
    assert.is_nil(verdict)
    assert.is_nil(ctx.identity)
    assert.is_true(access.passes_at_once({}, entry))
  end)

  it("refuses all other paths while sign-on is off", function()
    settings.sign_on = false
    answer = known(true, true, true, false)
    held = answer
    signed_in()
    refuses("sign-on-off")
    assert.is_false(access.passes_at_once({}, entry))
  end)

  it("sends a person without credentials to sign in, and remembers the browser by a cookie", function()
    fake.var.http_accept = "text/html"
    local verdict, detail, ctx = check()
    assert.same({ verdicts.REDIRECT, "https://slipway.example/auth/apps/1" }, { verdict, detail })
    assert.same({ ["Set-Cookie"] = "slipway-login=x", ["Cache-Control"] = "no-store" }, ctx.headers.of_response)
  end)

  it("says when too many sign-ins were begun, or nobody can sign in now", function()
    fake.var.http_accept = "text/html"
    for _, code in ipairs({ "sign-in-busy", "sign-on-unavailable" }) do
      sign_in = { nil, code, "why" }
      refuses(code)
    end
  end)

  it("refuses whoever else has none, with what a program would have to send", function()
    local ctx = refuses("sign-in-needed")
    assert.equal('Bearer realm="slipway"', ctx.headers.of_response["WWW-Authenticate"])
  end)

  it("sends nobody to sign in where only programs may go", function()
    fake.var.http_accept = "text/html"
    refuses("sign-in-needed", "/api/x")
  end)

  it("refuses everybody where nobody may go", function()
    answer = known(true, true, true, false)
    for _, accept in ipairs({ "text/html", "*/*" }) do
      fake.var.http_accept = accept
      refuses("not-allowed", "/never")
    end
  end)

  it("passes who meets the path's policy, on either way, and has who it is", function()
    answer = known(true, true, false, false)
    signed_in()
    local verdict, _, ctx = check()
    assert.is_nil(verdict)
    assert.equal(answer, ctx.identity)
    ctx, held = {}, answer
    assert.is_true(access.passes_at_once(ctx, entry))
    assert.equal(answer, ctx.identity)
  end)

  it("asks nobody about a caller whose verdict this worker holds, where that meets the path's policy", function()
    held = known(true, true, false, false)
    signed_in()
    local verdict, _, ctx = check()
    assert.is_nil(verdict)
    assert.equal(held, ctx.identity)
    refuses("sign-on-unavailable", "/api/x")
  end)

  it("asks about the credentials of a requeued request, not of its headers, whatever verdict it holds", function()
    held = known(true, true, true, false)
    local ctx = { credentials = { cookie = "a", header = "slipway-session=a", room = "http" } }
    assert.same({ verdicts.REFUSE, "sign-on-unavailable" }, { access.check(ctx, entry) })
    assert.is_nil(ctx.identity)
  end)

  it("refuses who does not, with who they are", function()
    answer = known(true, true, false, false)
    signed_in()
    local ctx = refuses("not-allowed", "/api/x")
    assert.equal("You are signed in as ada, who is", ctx.response.who)
    assert.is_nil(ctx.identity)
    held = answer
    fake.var.request_uri = "/api/x"
    assert.is_false(access.passes_at_once({}, entry))
  end)

  it("treats who is not known as one without credentials", function()
    answer = { known = false }
    signed_in()
    refuses("sign-in-needed")
    fake.var.http_accept = "text/html"
    assert.equal(verdicts.REDIRECT, (check()))
  end)

  it("tells a program that its token is not valid, also one that takes HTML", function()
    answer, fake.var.http_accept = { known = false }, "text/html"
    for _, authorization in ipairs({ "Bearer slw_unknown", "Bearer not a token" }) do
      fake.var.http_authorization = authorization
      local ctx = refuses("sign-in-needed")
      assert.equal('Bearer realm="slipway", error="invalid_token"', ctx.headers.of_response["WWW-Authenticate"])
    end
  end)

  it("refuses everybody while the router can't say who calls, and logs it once", function()
    signed_in()
    refuses("sign-on-unavailable")
    check()
    assert.same({ "the router can't say who calls: it answers 503" }, fake.logged)
  end)

  it("forgets whom an earlier way has found", function()
    local ctx = { identity = known(true) }
    fake.var.request_uri = "/public"
    assert.is_nil(access.check(ctx, entry))
    assert.is_nil(ctx.identity)
  end)

  it("uses the credentials of a requeued request, whose headers no longer have them", function()
    answer = known(true, true, false, false)
    local ctx = { credentials = { cookie = "a", header = "slipway-session=a", room = "http" } }
    assert.is_nil(access.check(ctx, entry))
    assert.equal(ctx.credentials, ctx.identity.credentials)
  end)

  describe("that is asked again before a target is chosen", function()
    local ctx
    before_each(function()
      ctx = { identity = known(true, true, false, false) }
      ctx.identity.credentials = { cookie = "a", header = "slipway-session=a", room = "http" }
    end)

    it("passes who needed no verdict, or has a good one", function()
      assert.is_nil(access.check_again({}, entry))
      assert.is_nil(access.check_again(ctx, entry))
    end)

    it("asks anew for one that is old", function()
      ctx.identity.is_old, answer = true, known(true, true, true, false)
      assert.is_nil(access.check_again(ctx, entry))
      assert.equal(answer, ctx.identity)
    end)

    it("refuses who is no longer known, or no longer allowed", function()
      ctx.identity.is_old, answer = true, { known = false }
      local credentials = ctx.identity.credentials
      assert.same({ verdicts.REFUSE, "sign-in-needed" }, { access.check_again(ctx, entry) })
      ctx.identity = { is_old = true, credentials = credentials }
      answer = known(false, true, false, false)
      assert.same({ verdicts.REFUSE, "not-allowed" }, { access.check_again(ctx, entry) })
      assert.is_nil(ctx.identity)
    end)
  end)
end)
