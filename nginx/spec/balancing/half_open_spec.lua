local nginx = require("fake_ngx")

describe("a trial of an ejected target", function()
  local fake, half_open, entry, ejection, verdicts
  before_each(function()
    fake = nginx.start()
    fake.var.server_protocol = "HTTP/1.1"
    nginx.replace("slipway.request.attempts", { choose = function() return "another" end })
    nginx.replace("slipway.balancing.inflight", { add = function() end, remove = function() end })
    nginx.replace("slipway.metrics.metrics", { count = function() end })
    nginx.replace("slipway.routes.table", { is_current = function() return true end })
    nginx.replace("slipway.request.request_body", {
      announced = function()
        return tonumber(fake.var.content_length), false
      end,
    })
    ejection = require("slipway.balancing.ejection")
    half_open = require("slipway.balancing.half_open")
    verdicts = require("slipway.gates.verdicts")
    entry = nginx.entry({ nginx.target("a"), nginx.target("b") })
    for _ = 1, entry.ejection.failures do
      ejection.failed(entry, entry.targets[1])
    end
  end)

  it("is not due during the pause", function()
    assert.is_nil(half_open.check({}, entry))
    assert.is_true(half_open.passes_at_once({}, entry))
  end)

  it("is one request's, over all workers", function()
    fake.advance(entry.ejection.pause_s)
    assert.is_false(half_open.passes_at_once({}, entry))
    assert.same({ verdicts.REDIRECT, "@trial" }, { half_open.check({}, entry) })
    assert.equal("target:a", fake.var.slipway_trial)
    assert.is_nil(half_open.check({}, entry))
  end)

  for why, change in pairs({
    ["may not be repeated"] = function() fake.req.method = "POST" end,
    ["has a body"] = function() fake.var.content_length = "1" end,
    ["asks for an upgrade"] = function() fake.var.http_upgrade = "websocket" end,
    ["wants a stream"] = function() fake.var.http_accept = "text/event-stream" end,
    ["was redirected already"] = function() fake.req.is_internal_request = true end,
  }) do
    it("is no request's that " .. why, function()
      fake.advance(entry.ejection.pause_s)
      change()
      assert.is_nil(half_open.check({}, entry))
    end)
  end

  it("goes to the target that was claimed, or to any when that is gone", function()
    fake.advance(entry.ejection.pause_s)
    half_open.check({}, entry)
    half_open.begin()
    assert.is_nil(half_open.choose(fake.ctx, entry))
    assert.equal("a", fake.ctx.target.id)
    entry.targets = { nginx.target("b") }
    assert.equal("another", half_open.choose(fake.ctx, entry))
  end)

  it("ends with a response", function()
    fake.advance(entry.ejection.pause_s)
    half_open.check({}, entry)
    half_open.begin()
    half_open.choose(fake.ctx, entry)
    fake.var.upstream_header_time = "0.1"
    half_open.header()
    assert.is_nil(fake.ctx.half_open)
    assert.is_nil(ejection.avoided(entry, nil))
  end)

  it("fails when the client leaves before the response, and the next pause begins", function()
    fake.advance(entry.ejection.pause_s)
    half_open.check({}, entry)
    half_open.begin()
    half_open.choose(fake.ctx, entry)
    fake.status = 499
    half_open.log()
    assert.is_true(fake.ctx.attempt.is_judged)
    assert.is_true(half_open.passes_at_once({}, entry))
    fake.advance(2 * entry.ejection.pause_s)
    assert.is_false(half_open.passes_at_once({}, entry))
  end)

  it("is given back when the request is refused before it is sent", function()
    fake.advance(entry.ejection.pause_s)
    half_open.check({}, entry)
    half_open.begin()
    half_open.log()
    assert.same({ verdicts.REDIRECT, "@trial" }, { half_open.check({}, entry) })
  end)
end)
