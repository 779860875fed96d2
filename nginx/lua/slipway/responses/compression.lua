-- Responses that nginx must not compress (gzip in nginx.conf) though it would. Taking
-- Accept-Encoding out of the request prevents that, since nginx reads it last.
local _M = {}

-- An attacker who can make a browser send requests with a user's cookies, put text into the responses and see how long
-- these are, learns secrets from them (BREACH). Pages of other sites are known by a header that no page can set; a
-- user's own click can't be repeated a thousand times.
local function may_be_an_attack(entry)
  local site = ngx.var.http_sec_fetch_site
  if not site or site == "same-origin" or site == "none" or ngx.var.http_sec_fetch_user == "?1" then
    return false
  end
  return ngx.var.http_cookie ~= nil or entry ~= nil and entry.access ~= "public"
end

-- By the app: it says so, or has said a digest of the bytes, which others would not have.
local function is_forbidden()
  local said = ngx.var.sent_http_cache_control
  return said ~= nil and said:lower():find("no-transform", 1, true) ~= nil or ngx.var.slipway_digests ~= ""
end

-- Header filter; an unknown host has no entry. Only browsers and few other clients send the header at all.
function _M.guard(entry)
  if ngx.var.http_accept_encoding and (is_forbidden() or may_be_an_attack(entry)) then
    ngx.req.clear_header("Accept-Encoding")
  end
end

return _M
