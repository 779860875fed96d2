local nginx = require("fake_ngx")

describe("the head of the router's answer", function()
  local parse_head
  before_each(function()
    nginx.start()
    parse_head = require("slipway.identity.router_client").parse_head
  end)

  it("has its status, its length, and whether the connection may be kept", function()
    local head = parse_head("HTTP/1.1 200 OK\r\nServer: x\r\ncontent-length:  12 \r\nConnection: keep-alive\r\n\r\n{}")
    assert.same({ status = 200, length = 12, is_kept = true, body_at = 77 }, head)
    assert.is_false(parse_head("HTTP/1.1 503 No\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n").is_kept)
    assert.is_true(parse_head("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").is_kept)
  end)

  it("is waited for until it is whole", function()
    assert.same({}, { parse_head("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n") })
  end)

  local cases = {
    ["its answer is no HTTP with a length"] = {
      "nope\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 2000 OK\r\nContent-Length: 1\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
      "HTTP/1.1 200 OK\r\n" .. ("Content-Length: 1\r\n"):rep(3) .. "\r\n",
    },
    ["its answer is too large"] = { "HTTP/1.1 200 OK\r\nContent-Length: 65537\r\n\r\n" },
    ["the head of its answer is too large"] = { "HTTP/1.1 200 OK\r\nX: " .. ("x"):rep(9000) },
  }
  for why, heads in pairs(cases) do
    it("is refused where " .. why, function()
      for _, head in ipairs(heads) do
        assert.same({ nil, why }, { parse_head(head) })
      end
    end)
  end
end)
