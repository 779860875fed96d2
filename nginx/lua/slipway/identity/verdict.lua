-- What the router says of one caller of an app (docs/reference/edge-protocol.md), from its JSON. What can't be
-- understood is no verdict: then nobody knows who calls.
local cjson = require("cjson.safe")

local _M = {}

local LASTS_MOST_S = 10
local KINDS = { person = true, token = true, workload = true }
local JWT = "^[%w_.-]+$"

local function fail(...)
  error(table.concat({ ... }), 0)
end

-- A text that may stand in a header.
local function text(value, name)
  if type(value) ~= "string" or value:find("%c") then
    fail(name, " is no text of one line")
  end
  return value
end

local function number(value, name)
  if type(value) ~= "number" or value ~= value then
    fail(name, " is no number")
  end
  return value
end

local function each(list, name, kind)
  if type(list) ~= "table" then
    fail(name, " is no list")
  end
  local found = {}
  for i, value in ipairs(list) do
    if type(value) ~= kind then
      fail(name, " has a value that is no ", kind)
    end
    found[i] = value
  end
  return found
end

local function allows_of(list, policies)
  local allows = each(list, "allows", "boolean")
  if #allows ~= policies then
    fail("allows has not one value for each policy")
  end
  return allows
end

local function subjects_of(list)
  local subjects = each(list, "subjects", "string")
  if #subjects == 0 then
    fail("subjects are empty")
  end
  return subjects
end

-- Groups as one header's value; nil without any. A group's own name may have a comma in it.
local function joined(groups)
  local escaped = {}
  for i, group in ipairs(each(groups, "groups", "string")) do
    escaped[i] = text(group, "a group"):gsub("[%%,]", { ["%"] = "%25", [","] = "%2C" })
  end
  return #escaped > 0 and table.concat(escaped, ",") or nil
end

local function line(name, value)
  return value and value ~= "" and "\r\n" .. name .. ": " .. value or ""
end

-- What an app gets of the caller, as the lines of its request from the value of `X-Slipway-Identity` on. No value has a
-- line's end in it: `text` refuses it.
local function lines_of(verdict)
  return verdict.identity .. line("X-Forwarded-User", verdict.user) .. line("X-Forwarded-Groups", verdict.groups)
    .. line("X-Forwarded-Email", verdict.email)
end

-- A field that the router leaves out, or says null of.
local function optional(value)
  return value ~= cjson.null and value or nil
end

local function known(fields, policies)
  if not KINDS[fields.kind] then
    fail("kind is not known: ", tostring(fields.kind))
  end
  local email, expires_at = optional(fields.email), optional(fields.expires_at)
  local identity = text(fields.identity, "identity")
  if not identity:find(JWT) then
    fail("identity is no JWT")
  end
  local verdict = {
    known = true,
    kind = fields.kind,
    allows = allows_of(fields.allows, policies),
    subjects = subjects_of(fields.subjects),
    user = text(fields.user, "user"),
    id = text(fields.id, "id"),
    email = email and text(email, "email"):match("^.+$"),
    groups = joined(optional(fields.groups) or {}),
    identity = identity,
    expires_at_s = expires_at and number(expires_at, "expires_at") or math.huge,
  }
  verdict.lines = lines_of(verdict)
  return verdict
end

local function nobody()
  return { known = false, subjects = {}, expires_at_s = math.huge }
end

local function verdict_of(body, policies, began_s)
  local fields = cjson.decode(body)
  if type(fields) ~= "table" then
    fail("it is no JSON object")
  end
  if type(fields.known) ~= "boolean" then
    fail("known is no boolean")
  end
  local verdict = fields.known and known(fields, policies) or nobody()
  if verdict.expires_at_s <= began_s then
    verdict = nobody()
  end
  local lasts_s = fields.lasts_s == nil and LASTS_MOST_S or number(fields.lasts_s, "lasts_s")
  verdict.began_s = began_s
  verdict.until_s = math.min(began_s + math.min(lasts_s, LASTS_MOST_S), verdict.expires_at_s)
  return verdict
end

-- Returns the verdict; or nil and why it can't be understood. `policies`: how many were asked about; `began_s`: Unix
-- seconds of the question; `version`: that of identity before it (versions.lua). Fields of the verdict:
--   known        whether anybody is known by the credentials; all but the times is there for a known caller alone
--   kind         "person", "token" or "workload"
--   allows       for each policy whether the caller meets it
--   subjects     whose changes end it
--   user, id, email, groups, identity   as headers have them
--   lines        those headers, as the app gets them
--   began_s, until_s, expires_at_s      since when, how long it is used, and when the session or token ends
--   version, seen_version               see versions.lua
--   credentials, address                set by verdicts.lua
function _M.read(body, policies, began_s, version)
  local ok, verdict = pcall(verdict_of, body, policies, began_s)
  if not ok then
    return nil, verdict
  end
  verdict.version, verdict.seen_version = version, version
  return verdict
end

function _M.is_fresh(verdict, now_s)
  return verdict.began_s - 1 <= now_s and now_s < verdict.until_s
end

-- From the set's policy `i` on. No loop: see worker/compiler.lua.
local function allows_all(allows, policies, i)
  local number_of_policy = policies[i]
  if not number_of_policy then
    return true
  elseif not allows[number_of_policy] then
    return false
  end
  return allows_all(allows, policies, i + 1)
end

-- Whether the caller meets all policies of the set (access_paths.lua).
function _M.meets(verdict, set)
  return allows_all(verdict.allows, set.policies, 1)
end

-- Whether it allows all that another verdict on the same policies allowed.
function _M.allows_as_much(verdict, other)
  for i, was_allowed in ipairs(other.allows) do
    if was_allowed and not verdict.allows[i] then
      return false
    end
  end
  return true
end

return _M
