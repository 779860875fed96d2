-- Which policies a request has to meet, by its path. Programs read one path in several ways, so the rules are compared
-- with several readings of it, and the policies of all readings have to be met. slipway/core/access/path_rules.py is
-- the same in Python; tests/vectors/access_paths.json holds both to the same results.
local _M = {}

-- What follows a per cent sign where a path can be read in more than one way: . / # % \ ; ? and the bytes that begin
-- overlong UTF-8. Control characters are those that begin with 0 or 1.
local AMBIGUOUS_CODES = {
  ["2e"] = true, ["2f"] = true, ["23"] = true, ["25"] = true, ["5c"] = true, ["3b"] = true, ["3f"] = true,
  c0 = true, c1 = true,
}
local RAW = "[;\\#%z\1-\32\127-\255]"
local SLASH = ("/"):byte()

local FOR_PROGRAMS = { token = true, nobody = true }

local function consists_of(policy, term)
  return #policy == 1 and policy[1] == term
end

local function is_met_by_people(policy)
  for _, term in ipairs(policy) do
    if not FOR_PROGRAMS[term] then
      return true
    end
  end
  return false
end

-- The policies with these numbers, all of which have to be met:
--   policies    their numbers
--   is_public   everybody meets them
--   is_nobody   nobody does
--   may_sign_in a person may meet them, so that it makes sense to sign in
function _M.set_of(policies, numbers)
  local set = { policies = numbers, is_public = true, is_nobody = false, may_sign_in = true }
  for _, number in ipairs(numbers) do
    local policy = policies[number]
    set.is_public = set.is_public and consists_of(policy, "public")
    set.is_nobody = set.is_nobody or consists_of(policy, "nobody")
    set.may_sign_in = set.may_sign_in and is_met_by_people(policy)
  end
  return set
end

local function has_ambiguous_code(path)
  for code in path:gmatch("%%(.?.?)") do
    if not code:find("^%x%x$") or code:find("^[01]") or AMBIGUOUS_CODES[code:lower()] then
      return true
    end
  end
  return false
end

local function is_ambiguous(path)
  return path:byte() ~= SLASH or path:find(RAW) ~= nil or path:find("//", 1, true) ~= nil
    or path:find("/%.%.?/") ~= nil or path:find("/%.%.?$") ~= nil or has_ambiguous_code(path)
end

local function decoded(path)
  if not path:find("%", 1, true) then
    return path
  end
  return (path:gsub("%%(%x%x)", function(code)
    return string.char(tonumber(code, 16))
  end))
end

-- The number of the policy of the first rule that is the path, or above it at the end of a segment. Longer rules come
-- first (routes/access.lua). `name` and `above`: under which names a rule has what is compared.
local function first_match(access, path, name, above)
  for _, rule in ipairs(access.rules) do
    if path == rule[name] or path:sub(1, #rule[above]) == rule[above] then
      return rule.policy
    end
  end
  return access.default
end

local function combined(access, ...)
  local has = {}
  for i = 1, select("#", ...) do
    has[select(i, ...)] = true
  end
  local numbers = {}
  for number = 1, #access.policies do
    numbers[#numbers + 1] = has[number] and number or nil
  end
  local key = table.concat(numbers, ",")
  local set = access.sets[key]
  if not set then
    set = _M.set_of(access.policies, numbers)
    access.sets[key] = set
  end
  return set
end

-- What a request has to meet (`set_of`), by the path as the client sent it; a query may follow. An app without rules
-- has one policy for all paths.
function _M.required(access, request_uri)
  if #access.rules == 0 then
    return access.of_all
  end
  local path = request_uri:match("^[^?]*")
  if is_ambiguous(path) then
    return access.of_all
  end
  local read = decoded(path)
  local raw_policy = first_match(access, path, "path", "above")
  local policy = first_match(access, read, "path", "above")
  local policy_in_any_case = first_match(access, read:lower(), "lower_path", "lower_above")
  if raw_policy == policy and policy == policy_in_any_case then
    return access.of_one[policy]
  end
  return combined(access, raw_policy, policy, policy_in_any_case)
end

return _M
