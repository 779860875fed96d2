local ffi = require("ffi")
local nginx = require("fake_ngx")
local trace_info = require("jit.util").traceinfo

local jit, tonumber = jit, tonumber -- a global of a spec is looked up by functions that can't be compiled

local CALLS = 2000
local NAMES = { "host", "cookie", "accept", "user-agent", "referer", "origin", "te", "dnt", "range", "from", "x-token",
  "authorization" }

-- How LuaJIT compiled the function, after so many calls: "return" for all of it in one trace; nil when it gave up.
local function compiled(called)
  local link, is_of_it
  local function note(what, trace, started)
    if what == "start" then
      is_of_it = started == called
    elseif what == "stop" and is_of_it then
      link = trace_info(trace).linktype
    end
  end
  jit.off(compiled)
  jit.flush()
  jit.attach(note, "trace")
  for _ = 1, CALLS do
    called()
  end
  jit.attach(note)
  return link
end

describe("a request's way is compiled as a whole", function()
  local fake
  before_each(function()
    fake = nginx.start()
    local function ends_in_a_built_in_function()
      return tonumber("1")
    end
    fake.now, fake.req.start_time = ends_in_a_built_in_function, ends_in_a_built_in_function
    setmetatable(fake.var, { __index = ends_in_a_built_in_function })
    require("slipway.worker.compiler").start()
  end)

  local function headers_named(names)
    local headers = {}
    for i, name in ipairs(names) do
      headers[i - 1] = { key = { data = ffi.cast("const uint8_t *", name), len = #name },
        value = { data = ffi.cast("const uint8_t *", ""), len = 0 } }
    end
    return headers
  end

  it("where it reads a client's headers, however many", function()
    local headers, count = headers_named(NAMES), 0
    nginx.replace("slipway.request.request_headers", { read = function() return headers, count end })
    local drop = require("slipway.request.client_headers").drop
    for number = 1, #NAMES do
      count = number
      assert.equal("return", compiled(function() drop() end))
    end
  end)

  it("where it asks nginx for a variable or a time", function()
    for _, called in ipairs({ getmetatable(fake.var).__index, fake.now, fake.req.start_time }) do
      assert.equal("return", compiled(called))
    end
  end)

  it("where it looks for a header of the client", function()
    if not pcall(ffi.typeof, "ngx_http_lua_ffi_table_elt_t") then
      ffi.cdef("typedef struct { int len; } ngx_http_lua_ffi_table_elt_t;")
    end
    package.loaded["slipway.request.request_headers"] = nil
    nginx.replace("resty.core.request", {})
    local value = require("slipway.request.request_headers").value
    local headers = headers_named(NAMES)
    for number = 1, #NAMES do
      assert.equal("return", compiled(function() value("cookie", "http_cookie", headers, number) end))
    end
  end)

  it("where it says how many requests are left", function()
    local text = require("slipway.limits.limit_lines").text
    local shown = { lines_begin = "begin", key = "", between_of_s = -1, between = "" }
    for _, left in ipairs({ 7, 10, 9999, 123456789 }) do
      assert.equal("return", compiled(function() text(shown, left, 1) end))
    end
  end)

  it("where it asks whether the caller meets all policies", function()
    local meets = require("slipway.identity.verdict").meets
    for number = 1, 10 do
      local allows, policies = {}, {}
      for i = 1, number do
        allows[i], policies[i] = true, i
      end
      local verdict, set = { allows = allows }, { policies = policies }
      assert.equal("return", compiled(function() meets(verdict, set) end))
    end
  end)
end)
