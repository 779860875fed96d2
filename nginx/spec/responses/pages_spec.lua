local cjson = require("cjson.safe")
local nginx = require("fake_ngx")

describe("a failure's page", function()
  local failures, pages
  before_each(function()
    nginx.start()
    failures = require("slipway.responses.failures")
    pages = require("slipway.responses.pages")
  end)

  local function render(code, accept)
    local names = { host = "<b>.localhost", app = "shop", connect_s = 2, read_s = 60, violated = "calls",
      retry_after_s = 7, who = "You are" }
    local row = failures.BY_CODE[code]
    return pages.render(row, code, row.status, names, "id-1", accept)
  end

  it("is a problem document", function()
    local page, content_type = render("unknown-host", "*/*")
    local problem = cjson.decode(page)
    assert.equal("application/problem+json", content_type)
    assert.same({ 404, "unknown-host", "client", "id-1", "urn:slipway:error:unknown-host" },
      { problem.status, problem.code, problem.fault, problem.request_id, problem.type })
    assert.equal("No app answers at <b>.localhost.", problem.detail)
  end)

  it("is HTML for browsers, with what the client sent escaped", function()
    local page, content_type = render("unknown-host", "text/html,*/*;q=0.8")
    assert.equal("text/html; charset=utf-8", content_type)
    assert.is_nil(page:find("<b>", 1, true))
    assert.is_truthy(page:find("&lt;b&gt;.localhost", 1, true))
  end)

  it("fills in every name, of every code", function()
    for code in pairs(failures.BY_CODE) do
      for _, accept in ipairs({ "*/*", "text/html" }) do
        assert.is_nil((render(code, accept)):find("%%{"))
      end
    end
  end)
end)
