-- How certificates come to a running edge: over a socket that only root can reach, from the process that holds the
-- edge's ports (slipway/host/certificate_follower.py). Bodies have keys, so none is written to disk (control.conf).
--
-- GET  /certificates       the references of what is there
-- PUT  /certificates/<id>  {"chain": PEM, "key": PEM}: 204, or 422 with why it can't be used
-- POST /ticket-key         makes a new key of session tickets now: 204
-- PUT  /index              the text of the index, nothing where there is none: 200 with what is at fault
local cjson = require("cjson.safe")
local files = require("slipway.tls.files")
local loader = require("slipway.tls.loader")
local tickets = require("slipway.tls.tickets")
local store = require("slipway.tls.store")

local _M = {}

local MOST_INDEX_BYTES = 64 * 1024 * 1024

local function body()
  ngx.req.read_body()
  local data, file = ngx.req.get_body_data(), ngx.req.get_body_file()
  if not data and file then
    return files.read(file, MOST_INDEX_BYTES)
  end
  return data or ""
end

local function answer(status, document)
  ngx.status = status
  ngx.header.content_type = "application/json"
  ngx.say(cjson.encode(document))
  return ngx.exit(ngx.HTTP_OK)
end

function _M.list()
  return answer(200, { references = store.references() })
end

function _M.put_certificate()
  local document = cjson.decode((body()))
  local id = ngx.var.uri:match("([%w-]+)$")
  if type(document) ~= "table" or type(document.chain) ~= "string" or type(document.key) ~= "string" then
    return answer(422, { fault = "it lacks its certificate or its key" })
  end
  local ref, err = loader.put(id, document.chain, document.key)
  if not ref then
    return answer(422, { fault = err })
  end
  ngx.status = 204
end

function _M.replace_ticket_key()
  tickets.replace()
  ngx.status = 204
end

function _M.put_index()
  local text, err = body()
  if not text then
    return answer(500, { faults = { err } })
  end
  local is_complete, faults = loader.apply(text)
  return answer(200, { complete = is_complete, faults = setmetatable(faults, cjson.array_mt) })
end

return _M
