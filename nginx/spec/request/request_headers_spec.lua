local ffi = require("ffi")
local nginx = require("fake_ngx")

describe("a header of the request", function()
  local fake, request_headers
  setup(function()
    if not pcall(ffi.typeof, "ngx_http_lua_ffi_table_elt_t") then
      ffi.cdef("typedef struct { int len; } ngx_http_lua_ffi_table_elt_t;") -- as far as the module needs it to load
    end
  end)

  before_each(function()
    fake = nginx.start()
    package.loaded["slipway.request.request_headers"] = nil
    nginx.replace("resty.core.request", {})
    request_headers = require("slipway.request.request_headers")
  end)

  local function text(of)
    return { data = ffi.cast("const uint8_t *", of), len = #of }
  end

  local function value_of_cookie(...)
    local found = {}
    for i, line in ipairs({ ... }) do
      found[i - 1] = { key = text(line[1]), value = text(line[2]) }
    end
    return request_headers.value("cookie", "http_cookie", found, select("#", ...))
  end

  it("has the value of its line", function()
    assert.equal("a=1", value_of_cookie({ "host", "x" }, { "cookie", "a=1" }, { "accept", "y" }))
    assert.equal("", value_of_cookie({ "cookie", "" }))
  end)

  it("is missing where another begins or ends like it", function()
    assert.is_nil(value_of_cookie({ "cookie2", "a=1" }, { "x-cookie", "a=1" }, { "cooki", "a=1" }, { "accept", "a=1" }))
    assert.is_nil(value_of_cookie())
  end)

  it("has the value that nginx has where it stands in several lines", function()
    fake.var.http_cookie = "a=1; b=2"
    assert.equal("a=1; b=2", value_of_cookie({ "cookie", "a=1" }, { "host", "x" }, { "cookie", "b=2" }))
    assert.equal("a=1; b=2", value_of_cookie({ "cookie", "a=1" }, { "cookie", "b=2" }, { "cookie", "c=3" }))
  end)
end)
