local nginx = require("fake_ngx")

describe("metrics of a request", function()
  local fake, metrics, row, histogram
  before_each(function()
    fake = nginx.start()
    row, histogram = {}, {}
    for i = 1, 15 do
      row[i], histogram[i] = 0, 0
    end
    nginx.replace("slipway.metrics.counters", {})
    nginx.replace("slipway.metrics.series", {
      row = function()
        return row, { app = "1", histogram = histogram }
      end,
    })
    metrics = require("slipway.metrics.metrics")
    fake.var.request_length, fake.var.bytes_sent = "100", "200"
  end)

  it("are its class of status, its bytes and its duration", function()
    fake.advance(0.0042)
    metrics.measure({}, 404)
    assert.same({ 0, 0, 0, 1, 0, 100, 200, 4 }, { unpack(row, 1, #metrics.FIELDS) })
    assert.equal(1, histogram[3]) -- up to 5 ms
  end)

  it("are in the first bucket whose bound their duration does not exceed", function()
    for bucket, bound_ms in ipairs(metrics.BOUNDS_MS) do
      for _, ms in ipairs({ math.floor(bound_ms), bound_ms + 1 }) do
        fake.req.start_time_s = fake.now() - ms / 1000
        metrics.measure({}, 200)
      end
      assert.equal(bucket == 1 and 1 or 2, histogram[bucket]) -- with the one beyond the bound before
    end
  end)

  it("are in the last bucket when it took longer than every bound", function()
    fake.advance(31)
    metrics.measure({}, 200)
    assert.equal(1, histogram[#metrics.BOUNDS_MS + 1])
  end)

  it("leave the duration of a stream out", function()
    fake.advance(2)
    fake.var.upstream_bytes_sent = "5000"
    metrics.measure({ streams = true }, 101)
    assert.same({ 1, 0, 0, 0, 0, 5000, 200, 0 }, { unpack(row, 1, #metrics.FIELDS) })
  end)

  it("count why the edge refused it", function()
    metrics.measure({ response = { code = "circuit-open" } }, 503)
    assert.equal(1, metrics.refused("circuit-open", "1"))
    assert.equal(0, metrics.refused("app-busy", "1"))
  end)
end)
