-- Who may use an app, as its entry says it (docs/reference/edge-protocol.md): "public", or policies by path. What can't
-- be understood raises: it may be what was meant to protect the app.
local access_paths = require("slipway.identity.access_paths")

local _M = {}

local FIELDS = { policies = true, default = true, paths = true }
local FIELDS_OF_RULE = { path = true, policy = true }
local TERMS = {
  public = true, ["signed-in"] = true, tenant = true, token = true, nobody = true,
  ["role:viewer"] = true, ["role:developer"] = true, ["role:owner"] = true,
}
local STAND_ALONE = { public = true, nobody = true }

local function fail(...)
  error(table.concat({ ... }), 0)
end

-- The list, with what `read` makes of each of its values.
local function list_of(value, name, read)
  if type(value) ~= "table" then
    fail(name, " is no list")
  end
  local made, count = {}, 0
  for _ in pairs(value) do
    count = count + 1
  end
  for i = 1, count do
    if value[i] == nil then
      fail(name, " is no list")
    end
    made[i] = read(value[i])
  end
  return made
end

local function only_fields(value, known, name)
  if type(value) ~= "table" then
    fail(name, " is no object")
  end
  for field in pairs(value) do
    if not known[field] then
      fail(name, " has a field that is not known: ", tostring(field))
    end
  end
  return value
end

local function term_of(term)
  if type(term) ~= "string" or not (TERMS[term] or term:find("^group:/[^%c]+$")) then
    fail("a policy's term is not known: ", tostring(term))
  end
  return term
end

local function policy_of(terms)
  local policy = list_of(terms, "a policy", term_of)
  if #policy == 0 then
    fail("a policy has no term")
  end
  for _, term in ipairs(policy) do
    if STAND_ALONE[term] and #policy > 1 then
      fail("a policy has ", term, " beside other terms")
    end
  end
  return policy
end

-- A number of the entry counts from 0, one in Lua from 1.
local function number_of(value, policies, name)
  if type(value) ~= "number" or not policies[value + 1] then
    fail(name, " is the number of no policy")
  end
  return value + 1
end

local function with_slash(path)
  return path:sub(-1) == "/" and path or path .. "/"
end

local function rule_of(unchecked, policies)
  local fields = only_fields(unchecked, FIELDS_OF_RULE, "a rule of access")
  local path = fields.path
  if type(path) ~= "string" or not path:find("^/[^%c]*$") then
    fail("the path of a rule of access can't be understood")
  end
  return {
    path = path, above = with_slash(path), lower_path = path:lower(), lower_above = with_slash(path:lower()),
    policy = number_of(fields.policy, policies, "a rule's policy"),
  }
end

-- Longer paths first, so that the first that matches is the longest.
local function rules_of(list, policies)
  local rules = list_of(list == nil and {} or list, "access.paths", function(fields)
    return rule_of(fields, policies)
  end)
  local seen = {}
  for _, rule in ipairs(rules) do
    if seen[rule.lower_path] then
      fail("two rules of access are for one path")
    end
    seen[rule.lower_path] = true
  end
  table.sort(rules, function(one, other)
    return #one.path > #other.path
  end)
  return rules
end

local function text_of(access)
  local lines = {}
  for _, policy in ipairs(access.policies) do
    lines[#lines + 1] = table.concat(policy, "\t")
  end
  lines[#lines + 1] = tostring(access.default)
  for _, rule in ipairs(access.rules) do
    lines[#lines + 1] = rule.policy .. "\t" .. rule.path
  end
  return table.concat(lines, "\n")
end

local function add_sets(access)
  local all = {}
  access.of_one, access.sets = {}, {}
  for number = 1, #access.policies do
    all[number] = number
    access.of_one[number] = access_paths.set_of(access.policies, { number })
  end
  access.of_all = access_paths.set_of(access.policies, all)
end

-- Returns "public", another word as it stands, which the gate refuses, or a table:
--   policies         lists of terms, as the router is asked about them
--   default, rules   which of them holds, by path
--   text             all that requests are judged by; two that say the same have the same text
--   of_all, of_one, sets   what requests have to meet (identity/access_paths.lua)
function _M.read(value)
  if value == nil or type(value) == "string" then
    return value or "public"
  end
  local fields = only_fields(value, FIELDS, "access")
  local policies = list_of(fields.policies, "access.policies", policy_of)
  local access = { policies = policies, default = number_of(fields.default, policies, "access.default") }
  access.rules = rules_of(fields.paths, policies)
  access.text = text_of(access)
  add_sets(access)
  return access
end

-- Whether requests are judged by the same.
function _M.are_same(one, other)
  return one == other or type(one) == "table" and type(other) == "table" and one.text == other.text
end

return _M
