local nginx = require("fake_ngx")

describe("a gate", function()
  local fake, entry, verdicts
  before_each(function()
    fake = nginx.start()
    nginx.replace("slipway.metrics.worker_counts", require("fake_counts"))
    nginx.replace("slipway.metrics.metrics", { count = function() end })
    entry = nginx.entry({ nginx.target("a") })
    verdicts = require("slipway.gates.verdicts")
  end)

  describe("of access", function()
    local access
    before_each(function()
      access = require("slipway.gates.access")
    end)

    it("passes everybody to a public app, on either way", function()
      assert.is_nil(access.check({}, entry))
      assert.is_true(access.passes_at_once({}, entry))
    end)

    it("refuses everybody where the policy is unknown, and logs it", function()
      entry.access = "friends"
      assert.same({ verdicts.REFUSE, "broken-route" }, { access.check({}, entry) })
      assert.is_false(access.passes_at_once({}, entry))
      assert.equal("the route of app 1 has an unknown policy: friends", fake.logged[1])
    end)
  end)

  describe("of access, for a request that it passed before", function()
    local access, current
    before_each(function()
      nginx.replace("slipway.routes.table", { entry = function(host)
        if host == entry.host and current then
          return current
        end
        return nil, "unknown-host"
      end })
      access = require("slipway.gates.access")
    end)

    it("has the entry as it is now, where its policy is the same", function()
      current = nginx.entry({}, { name = "renamed" })
      assert.equal(current, (access.current_entry(entry)))
    end)

    it("has none where the policy is another one, and lets the client come again", function()
      current = nginx.entry({ nginx.target("a") }, { access = "friends" })
      assert.same({ nil, "service-unavailable" }, { access.current_entry(entry) })
    end)

    it("has none where its caller has changed, and lets the client come again", function()
      local versions = require("slipway.identity.versions")
      local ctx = { identity = { subjects = { "person:ada" }, version = 0, seen_version = 0 } }
      current = entry
      versions.change("person:bob")
      assert.equal(current, (access.current_entry(entry, ctx)))
      versions.change("person:ada")
      assert.same({ nil, "service-unavailable" }, { access.current_entry(entry, ctx) })
      assert.equal(current, (access.current_entry(entry)))
    end)

    it("has none where the host has left the table", function()
      current = nil
      assert.same({ nil, "unknown-host" }, { access.current_entry(entry) })
    end)
  end)

  describe("of running apps", function()
    it("refuses with why nothing is meant to serve", function()
      local running = require("slipway.gates.running")
      entry.stopped = "scaled-to-zero"
      assert.same({ verdicts.REFUSE, "scaled-to-zero" }, { running.check({}, entry) })
      assert.is_false(running.passes_at_once({}, entry))
    end)
  end)

  describe("of the circuit", function()
    local breaker
    before_each(function()
      breaker = require("slipway.gates.breaker")
    end)

    local function open()
      for _ = 1, entry.breaker.failures do
        breaker.note({}, entry, false)
      end
    end

    it("passes until too many requests in a row got no response", function()
      for _ = 1, entry.breaker.failures - 1 do
        breaker.note({}, entry, false)
      end
      assert.is_nil(breaker.check({}, entry))
      assert.is_true(breaker.passes_at_once({}, entry))
      breaker.note({}, entry, false)
      assert.same({ verdicts.REFUSE, "circuit-open" }, { breaker.check({}, entry) })
      assert.is_false(breaker.passes_at_once({}, entry))
    end)

    it("does not count what nobody knows the end of", function()
      for _ = 1, 10 do
        breaker.note({}, entry, nil)
      end
      assert.is_nil(breaker.check({}, entry))
    end)

    it("lets one request try after the pause", function()
      open()
      fake.advance(entry.breaker.pause_s)
      local trial = {}
      assert.is_nil(breaker.check(trial, entry))
      assert.equal(entry, trial.circuit_trial.entry)
      assert.same({ verdicts.REFUSE, "circuit-open" }, { breaker.check({}, entry) })
      breaker.note(trial, entry, true)
      assert.is_nil(breaker.check({}, entry))
    end)

    it("opens again when the trial gets no response", function()
      open()
      fake.advance(entry.breaker.pause_s)
      local trial = {}
      breaker.check(trial, entry)
      breaker.note(trial, entry, false)
      assert.same({ verdicts.REFUSE, "circuit-open" }, { breaker.check({}, entry) })
    end)

    it("gives a trial back that reached no target, once", function()
      open()
      fake.advance(entry.breaker.pause_s)
      local first, second = { entry = entry }, { entry = entry }
      breaker.check(first, entry)
      breaker.release(first)
      assert.is_nil(breaker.check(second, entry))
      breaker.release(first)
      assert.same({ verdicts.REFUSE, "circuit-open" }, { breaker.check({}, entry) })
    end)

    it("passes a requeued request", function()
      open()
      assert.is_nil(breaker.check({ requeue = {} }, entry))
    end)
  end)

  describe("of concurrency", function()
    local concurrency
    before_each(function()
      nginx.replace("slipway.request.request_body", { size = function() return 0 end })
      concurrency = require("slipway.gates.concurrency")
      entry.max_concurrency = 1
    end)

    it("counts nothing without a cap", function()
      entry.max_concurrency = nil
      local ctx = {}
      assert.is_nil(concurrency.check(ctx, entry))
      assert.is_nil(ctx.slot)
      assert.is_true(concurrency.passes_at_once({}, entry))
    end)

    it("lets a request wait until a slot is given back", function()
      local first = {}
      assert.is_false(concurrency.passes_at_once(first, entry))
      assert.is_nil(concurrency.check(first, entry))
      assert.is_nil(concurrency.check(first, entry))
      assert.same({ verdicts.WAIT, "app-busy" }, { concurrency.check({}, entry) })
      concurrency.release(first)
      concurrency.release(first)
      assert.is_nil(concurrency.check({}, entry))
      assert.same({ verdicts.WAIT, "app-busy" }, { concurrency.check({}, entry) })
    end)
  end)

  describe("of the protocol", function()
    local protocol
    before_each(function()
      protocol = require("slipway.request.protocol")
      fake.var.server_protocol = "HTTP/1.1"
    end)

    it("knows streams", function()
      for accept, streams in pairs({ ["text/event-stream"] = true, ["text/html"] = false }) do
        local ctx = {}
        fake.var.http_accept = accept
        assert.is_nil(protocol.check(ctx))
        assert.equal(streams, ctx.streams)
        ctx = {}
        assert.is_true(protocol.passes_at_once(ctx))
        assert.equal(streams or nil, ctx.streams)
      end
    end)

    it("upgrades to WebSocket alone", function()
      local ctx = {}
      fake.var.http_upgrade, fake.req.received_headers.connection = "WebSocket", "keep-alive, Upgrade"
      assert.is_nil(protocol.check(ctx))
      assert.is_true(ctx.streams)
      assert.equal("websocket", fake.var.slipway_upgrade)
      fake.var.http_upgrade = "h2c"
      protocol.check(ctx)
      assert.is_false(ctx.streams)
      assert.is_false(fake.req.headers.Upgrade)
    end)

    it("takes an upgrade that Connection does not name for none", function()
      for _, connection in ipairs({ "close", "upgraded", { "close", "x-upgrade" } }) do
        local ctx = {}
        fake.var.http_upgrade, fake.req.received_headers.connection = "websocket", connection
        assert.is_nil(protocol.check(ctx))
        assert.is_false(ctx.streams)
      end
    end)

    it("refuses an upgrade of HTTP/2", function()
      fake.var.server_protocol, fake.var.http_upgrade = "HTTP/2.0", "websocket"
      assert.same({ verdicts.REFUSE, "bad-request" }, { protocol.check({}) })
    end)
  end)

  it("sets headers of the request and of the response", function()
    local headers = require("slipway.gates.headers")
    local ctx = {}
    headers.set_for_app(ctx, "X-Slipway-User", "ada")
    headers.set_for_app(ctx, "Authorization", nil)
    headers.set_for_client(ctx, "RateLimit", "1")
    headers.set_for_client(ctx, "Set-Cookie", "a=1")
    headers.write_request(ctx.headers)
    headers.write_response(ctx)
    assert.same({ ["X-Slipway-User"] = "ada", Authorization = false }, fake.req.headers)
    assert.same({ RateLimit = "1" }, fake.header)
    assert.same({ "Set-Cookie: a=1" }, fake.added_headers)
  end)
end)
