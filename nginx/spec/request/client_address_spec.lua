local nginx = require("fake_ngx")

describe("a client's address", function()
  local fake, of_request
  before_each(function()
    fake = nginx.start()
    of_request = require("slipway.request.client_address").of_request
  end)

  local function address(...)
    fake.var.binary_remote_addr, fake.var.remote_addr = string.char(...), "as nginx writes it"
    return of_request()
  end

  it("is an IPv4 address as nginx writes it", function()
    assert.equal("as nginx writes it", address(192, 0, 2, 1))
  end)

  it("is the network of an IPv6 one", function()
    assert.equal("20010db800000001", address(0x20, 1, 0x0d, 0xb8, 0, 0, 0, 1, 9, 9, 9, 9, 9, 9, 9, 9))
  end)

  it("is the IPv4 address of one that is written as IPv6", function()
    assert.equal("192.0.2.1", address(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 1))
    assert.equal("192.0.2.2", address(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 2))
    assert.equal("198.51.100.7", address(0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, 198, 51, 100, 7))
  end)

  it("is a network where an address only looks like those", function()
    assert.equal("0064ff9b00000000", address(0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 1, 198, 51, 100, 7))
    assert.equal("0000000000000000", address(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1))
  end)
end)
