local nginx = require("fake_ngx")

describe("what a client learns of its limits", function()
  local fake, rate_limit_headers, limits, caller
  before_each(function()
    fake = nginx.start()
    nginx.replace("slipway.limits.callers", {
      partition = function(who, by)
        return by == "all" and "all" or who.address
      end,
      opaque = function(partition) return "k" .. #partition end,
    })
    rate_limit_headers = require("slipway.limits.rate_limit_headers")
    caller = { address = "192.0.2.1", token = "", user = "" }
    limits = {
      { name = "calls", quoted_name = '"calls"', policy = '"calls";q=10;w=60', kind = "rate", most = 10,
        by = "caller" },
      { name = "all", quoted_name = '"all"', policy = '"all";q=99;w=1', kind = "rate", most = 99, by = "all" },
      { name = "parallel", quoted_name = '"parallel"', policy = '"parallel";q=5;qu="concurrent-requests"',
        kind = "at_once", most = 5, by = "caller" },
    }
  end)

  local function outcome(states, left, reset_s)
    local passes = true
    for i, state in ipairs(states) do
      passes = passes and (state ~= "refuses" or limits[i].only_reports == true)
    end
    return { passes = passes, token_is = 0, states = states, left = left, reset_s = reset_s }
  end

  local function headers_of(...)
    fake.header = {}
    local shown, violated, retry_after_s = rate_limit_headers.describe({ limits = limits }, caller, outcome(...))
    if shown then
      rate_limit_headers.write(shown, shown.left, shown.reset_s)
    end
    return fake.header, violated, retry_after_s
  end

  it("lists every policy, and the state of the one that lets the fewest through", function()
    local found = headers_of({ "passes", "passes", "passes" }, { 7, 90, 4 }, { 3, 1, 0 })
    assert.equal('"calls";q=10;w=60;pk=:k9:, "all";q=99;w=1, "parallel";q=5;qu="concurrent-requests";pk=:k9:',
      found["RateLimit-Policy"])
    assert.equal('"parallel";r=4;t=0;pk=:k9:', found["RateLimit"])
    assert.same({ "5", "4", "0" },
      { found["X-RateLimit-Limit"], found["X-RateLimit-Remaining"], found["X-RateLimit-Reset"] })
    assert.is_nil(found["Retry-After"])
  end)

  it("says when to come again, by the limit that refuses for the longest", function()
    local found, violated, retry_after_s = headers_of({ "refuses", "refuses", "passes" }, { 0, 0, 0 }, { 6, 40, 0 })
    assert.equal('"all";r=0;t=40', found["RateLimit"])
    assert.equal("40", found["Retry-After"])
    assert.same({ "calls", "all" }, violated)
    assert.equal(40, retry_after_s)
  end)

  it("prefers a limit that refuses to one that is only used up", function()
    local found = headers_of({ "passes", "refuses", "passes" }, { 0, 0, 3 }, { 60, 1, 0 })
    assert.equal('"all";r=0;t=1', found["RateLimit"])
  end)

  it("says that a slot may be free soon, since nobody knows when", function()
    local found = headers_of({ "passes", "passes", "refuses" }, { 7, 90, 0 }, { 1, 1, 0 })
    assert.same({ '"parallel";r=0;t=1;pk=:k9:', "1" }, { found["RateLimit"], found["Retry-After"] })
  end)

  it("says the same in lines, whatever is left", function()
    local limit_lines = require("slipway.limits.limit_lines")
    local passed = outcome({ "passes", "passes", "passes" }, { 7, 90, 4 }, { 3, 1, 0 })
    local shown = rate_limit_headers.describe({ limits = limits }, caller, passed)
    for _, now in ipairs({ { 12, 34 }, { 0, 1 }, { 9, 1 }, { 10, 2 }, { 9999999, 2 }, { 2 ^ 53, 1 } }) do
      fake.header = {}
      rate_limit_headers.write(shown, ("%.0f"):format(now[1]), now[2])
      local found = {}
      for name, value in (limit_lines.text(shown, now[1], now[2]) .. "\r\n"):gmatch("([%w-]+): ([^\r\n]+)\r\n") do
        found[name] = value
      end
      assert.same(fake.header, found)
    end
  end)

  it("says it in lines of any length", function()
    limits[1].policy = ("p"):rep(3000)
    local passed = outcome({ "passes", "passes", "passes" }, { 7, 90, 4 }, { 3, 1, 0 })
    local shown = rate_limit_headers.describe({ limits = limits }, caller, passed)
    local text = require("slipway.limits.limit_lines").text(shown, 4, 1)
    assert.truthy(text:find(("p"):rep(3000), 1, true))
    assert.equal("\r\nX-RateLimit-Remaining: 4", text:sub(-26))
  end)

  it("shows no limit that only reports, nor one that does not concern the caller", function()
    limits[1].only_reports = true
    local found, violated = headers_of({ "would refuse", "not concerned", "passes" }, { 0, 0, 3 }, { 60, 0, 0 })
    assert.equal('"parallel";q=5;qu="concurrent-requests";pk=:k9:', found["RateLimit-Policy"])
    assert.same({}, violated)
    limits[3].only_reports = true
    assert.same({}, (headers_of({ "would refuse", "not concerned", "passes" }, { 0, 0, 3 }, { 60, 0, 0 })))
  end)
end)
