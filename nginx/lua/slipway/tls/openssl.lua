-- What nginx' Lua lacks of OpenSSL: its documented functions, called in the process that has the library loaded.
local base = require("resty.core.base")
local ffi = require("ffi")

local _M = {}

local C = ffi.C

ffi.cdef([[
int OPENSSL_sk_num(const void *stack);
void *OPENSSL_sk_value(const void *stack, int index);
void *OPENSSL_sk_dup(const void *stack);
void *OPENSSL_sk_shift(void *stack);
void OPENSSL_sk_free(void *stack);
int X509_check_private_key(const void *certificate, const void *key);
void *X509_get_ext_d2i(const void *certificate, int nid, int *critical, int *index);
const void *X509_get0_notAfter(const void *certificate);
int ASN1_TIME_diff(int *days, int *seconds, const void *from, const void *to);
void *GENERAL_NAME_get0_value(const void *name, int *type);
const unsigned char *ASN1_STRING_get0_data(const void *text);
int ASN1_STRING_length(const void *text);
void GENERAL_NAMES_free(void *names);
void ERR_clear_error(void);
int RAND_priv_bytes(unsigned char *bytes, int count);
unsigned char *SHA256(const unsigned char *data, size_t count, unsigned char *digest);
void *SSL_get_SSL_CTX(const void *ssl);
void SSL_certs_clear(void *ssl);
int SSL_use_cert_and_key(void *ssl, void *certificate, void *key, void *chain, int replaces);
long SSL_CTX_ctrl(void *context, int command, long number, void *data);
int SSL_set_session_id_context(void *ssl, const unsigned char *id, unsigned int length);
void *ngx_http_lua_ffi_get_req_ssl_pointer(void *request);
int inet_pton(int family, const char *text, void *bytes);
const char *inet_ntop(int family, const void *bytes, char *text, unsigned int size);
]])

local SUBJECT_ALT_NAME = 85 -- NID
local DNS_NAME, IP_ADDRESS = 2, 7 -- GENERAL_NAME
local SET_TICKET_KEYS = 59 -- SSL_CTRL_SET_TLSEXT_TICKET_KEYS
local DIGEST_BYTES = 32
local TEXT_BYTES = 46 -- INET6_ADDRSTRLEN
local FAMILY_OF = { [4] = 2, [16] = 10 } -- by the length of an address: AF_INET, AF_INET6
local MAPPED = ("\0"):rep(10) .. "\255\255" -- an IPv4 address as IPv6 has it

local number = ffi.new("int[1]")
local seconds = ffi.new("int[1]")
local digest = ffi.new("unsigned char[?]", DIGEST_BYTES)
local address = ffi.new("unsigned char[16]")
local text = ffi.new("char[?]", TEXT_BYTES)

-- An address in its one text form; nil when these bytes are none.
function _M.address_of(bytes)
  if bytes:sub(1, #MAPPED) == MAPPED then
    bytes = bytes:sub(#MAPPED + 1)
  end
  local family = FAMILY_OF[#bytes]
  return family and ffi.string(C.inet_ntop(family, bytes, text, TEXT_BYTES)) or nil
end

-- The same of an address in whatever text form; nil when it is none.
function _M.canonical_address(written)
  for length, family in pairs(FAMILY_OF) do
    if C.inet_pton(family, written, address) == 1 then
      return _M.address_of(ffi.string(address, length))
    end
  end
  return nil
end

local function leaf(chain)
  return C.OPENSSL_sk_value(chain, 0)
end

function _M.is_pair(chain, key)
  local ok = C.X509_check_private_key(leaf(chain), key) == 1
  C.ERR_clear_error() -- nginx would take it for an error of the next connection
  return ok
end

-- Seconds until the first certificate of the chain expires.
function _M.expires_in_s(chain)
  C.ASN1_TIME_diff(number, seconds, nil, C.X509_get0_notAfter(leaf(chain)))
  return number[0] * 86400 + seconds[0]
end

local function name_of(general)
  local value = C.GENERAL_NAME_get0_value(general, number)
  local kind = number[0]
  if kind ~= DNS_NAME and kind ~= IP_ADDRESS then
    return nil
  end
  local bytes = ffi.string(C.ASN1_STRING_get0_data(value), C.ASN1_STRING_length(value))
  if kind == IP_ADDRESS then
    return _M.address_of(bytes)
  end
  return bytes:match("^[%w*._-]+$") and bytes:lower() -- whoever uploads a certificate may have written anything there
end

-- The names that the first certificate of the chain is for: hosts, `*.parent`, and addresses.
function _M.names(chain)
  local found = {}
  local names = C.X509_get_ext_d2i(leaf(chain), SUBJECT_ALT_NAME, nil, nil)
  if names == nil then
    return found
  end
  for i = 0, C.OPENSSL_sk_num(names) - 1 do
    found[#found + 1] = name_of(C.OPENSSL_sk_value(names, i))
  end
  C.GENERAL_NAMES_free(names)
  return found
end

-- A pair as `use` takes it. The stacks refer to the same certificates, so both stay.
function _M.pair(chain, key)
  local rest = ffi.gc(C.OPENSSL_sk_dup(chain), C.OPENSSL_sk_free)
  C.OPENSSL_sk_shift(rest)
  return { chain = chain, leaf = leaf(chain), rest = rest, key = key }
end

-- The connection gets this pair, and has no other; false where OpenSSL refuses it, as with a key that is too short:
-- then it has none.
function _M.use(ssl, pair)
  C.SSL_certs_clear(ssl)
  local ok = C.SSL_use_cert_and_key(ssl, pair.leaf, pair.key, pair.rest, 1) == 1
  if not ok then
    C.ERR_clear_error()
  end
  return ok
end

function _M.random(count)
  local bytes = ffi.new("unsigned char[?]", count)
  assert(C.RAND_priv_bytes(bytes, count) == 1, "OpenSSL has no random bytes")
  return ffi.string(bytes, count)
end

function _M.sha256(data)
  C.SHA256(data, #data, digest)
  return ffi.string(digest, DIGEST_BYTES)
end

-- The connection whose handshake this is; nil when there is none.
function _M.connection()
  local ssl = C.ngx_http_lua_ffi_get_req_ssl_pointer(base.get_request())
  return ssl ~= nil and ssl or nil
end

-- Tickets are sealed with these keys, and opened with these alone. Of all connections: OpenSSL has one set for a
-- server.
function _M.set_ticket_keys(ssl, keys)
  return C.SSL_CTX_ctrl(C.SSL_get_SSL_CTX(ssl), SET_TICKET_KEYS, #keys, ffi.cast("void *", keys)) == 1
end

-- OpenSSL resumes a session only in the context that it began in. At most 32 bytes.
function _M.set_session_context(ssl, context)
  return C.SSL_set_session_id_context(ssl, context, #context) == 1
end

return _M
