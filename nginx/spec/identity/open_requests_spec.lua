local nginx = require("fake_ngx")

describe("an open request", function()
  local open_requests, versions, contexts, current, entry, verdict, answer

  local function with_policy(term)
    return nginx.entry({}, { access = require("slipway.routes.access").read({ policies = { { term } }, default = 0 }) })
  end

  before_each(function()
    nginx.start()
    contexts, answer = {}, nil
    entry = with_policy("tenant")
    current = entry
    nginx.replace("slipway.routes.table", { entry = function() return current end })
    nginx.replace("slipway.identity.client_socket", {})
    nginx.replace("slipway.request.request_context", { all = function() return pairs(contexts) end })
    nginx.replace("slipway.identity.verdicts", { of = function() return answer end })
    versions = require("slipway.identity.versions")
    open_requests = require("slipway.identity.open_requests")
    verdict = { known = true, allows = { true }, subjects = { "person:1" }, version = 0, seen_version = 0,
      expires_at_s = math.huge, credentials = {} }
  end)

  local function open(more)
    local ctx = { entry = entry, target = {}, streams = true, identity = verdict }
    for name, value in pairs(more or {}) do
      ctx[name] = value
    end
    contexts[#contexts + 1] = ctx
    return ctx
  end

  local function due(now_s)
    local found = {}
    for i, each in ipairs(open_requests.due(now_s or 1000)) do
      found[i] = each.ctx
    end
    return found
  end

  it("is left alone while nothing changes about its caller", function()
    open()
    versions.change("person:2")
    assert.same({}, due())
  end)

  it("is looked at when its caller changes", function()
    local ctx = open()
    versions.change("person:1")
    assert.same({ ctx }, due())
    ctx.is_cut_off = true
    assert.same({}, due())
  end)

  it("that is no stream is looked at only when it takes long", function()
    local ctx = open({ streams = false })
    versions.change("person:1")
    assert.same({}, due(1000))
    assert.same({}, due(1001.9))
    assert.same({ ctx }, due(1002))
  end)

  it("without a target is not at its app, and the gates judge it", function()
    contexts[1] = { entry = entry, streams = true, identity = verdict }
    versions.change("person:1")
    assert.same({}, due())
  end)

  it("is looked at when the session or token has ended", function()
    local ctx = open()
    verdict.expires_at_s = 1000
    assert.same({}, due(999))
    assert.same({ ctx }, due(1000))
  end)

  it("is cut off when the policies are others, also one of nobody", function()
    local anonymous, known = open({ identity = false }), open()
    current = with_policy("token")
    assert.equal(2, #due())
    answer = verdict
    assert.is_false(open_requests.may_go_on(anonymous, 1000))
    assert.is_false(open_requests.may_go_on(known, 1000))
  end)

  it("of a caller who changed comes before those that are only asked about anew", function()
    for _ = 1, 5 do
      open({ identity = { subjects = { "person:2" }, version = 0, seen_version = 0, expires_at_s = math.huge } })
    end
    local ctx = open()
    versions.change_all()
    versions.change("person:1")
    assert.equal(6, #due())
    assert.equal(ctx, due()[1])
  end)

  it("goes on where the caller may do as much as before", function()
    local ctx = open()
    versions.change("person:1")
    answer = { known = true, allows = { true }, subjects = { "person:1" }, version = 1, seen_version = 1,
      expires_at_s = math.huge }
    assert.is_true(open_requests.may_go_on(ctx, 1000))
    assert.equal(answer, ctx.identity)
    assert.same({}, due())
  end)

  it("ends where the caller may do less, or is nobody any more", function()
    local ctx = open()
    answer = { known = true, allows = { false } }
    assert.is_false(open_requests.may_go_on(ctx, 1000))
    ctx.identity, answer = verdict, { known = false }
    assert.is_false(open_requests.may_go_on(ctx, 1000))
  end)

  it("of a caller who changed ends at once while the router can't say who calls", function()
    local ctx = open()
    versions.change("person:1")
    assert.is_false(open_requests.may_go_on(ctx, 1000))
  end)

  it("of any other goes on for 10 s while the router can't say who calls", function()
    local ctx = open()
    versions.change_all()
    assert.is_true(open_requests.may_go_on(ctx, 1000))
    assert.is_true(open_requests.may_go_on(ctx, 1009.9))
    assert.is_false(open_requests.may_go_on(ctx, 1010))
    verdict.expires_at_s = 1001
    ctx.unanswered_s = nil
    assert.is_false(open_requests.may_go_on(ctx, 1001))
  end)
end)
