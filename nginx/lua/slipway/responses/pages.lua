-- Renders a failure: a page for browsers, a problem document (RFC 9457) for everyone else.
local cjson = require("cjson.safe")

local _M = {}

local WHOSE = { client = "Your request", app = "The app", platform = "The platform" }

local HTML = [[<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>%{title}</title>
<style>
:root { color-scheme: light dark; --ink: #1c2024; --soft: #60646c; --line: #d9d9e0; --ground: #fcfcfd; --mark: #0d74ce }
@media (prefers-color-scheme: dark) {
:root { --ink: #edeef0; --soft: #b0b4ba; --line: #393a40; --ground: #111113; --mark: #70b8ff } }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--ground); color: var(--ink);
font: 16px/1.6 system-ui, sans-serif }
main { max-width: 36rem; padding: 2rem }
p { margin: .5rem 0 }
h1 { margin: 0; font-size: 1.75rem; line-height: 1.2 }
.status { color: var(--mark); font-weight: 600 }
dl { display: grid; grid-template-columns: auto 1fr; gap: .25rem 1.5rem; margin: 2rem 0 0; padding-top: 1rem;
border-top: 1px solid var(--line); font-size: .875rem }
dt { color: var(--soft) }
dd { margin: 0; overflow-wrap: anywhere }
</style>
</head>
<body>
<main>
<p class="status">%{status}</p>
<h1>%{title}</h1>
<p>%{detail}</p>
<p>%{remedy}</p>
<dl>
<dt>Where to look</dt><dd>%{whose}</dd>
<dt>Request id</dt><dd>%{request_id}</dd>
</dl>
</main>
</body>
</html>
]]

local ESCAPES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;" }

local function escaped(text)
  return (tostring(text):gsub("[&<>\"']", ESCAPES))
end

local function fill(template, values)
  return (template:gsub("%%{(%w[%w_]*)}", values))
end

local function html(failure)
  local values = {}
  for name, value in pairs(failure) do
    values[name] = type(value) ~= "table" and escaped(value) or nil
  end
  values.whose = WHOSE[failure.fault]
  return fill(HTML, values), "text/html; charset=utf-8"
end

local function problem(failure)
  return cjson.encode({
    type = failure.type,
    title = failure.title,
    status = failure.status,
    detail = failure.detail,
    code = failure.code,
    remedy = failure.remedy,
    fault = failure.fault,
    request_id = failure.request_id,
    ["violated-policies"] = failure.violated,
  }), "application/problem+json"
end

local function wants_html(accept)
  return accept ~= nil and accept:find("text/html", 1, true) ~= nil
    and not accept:find("application/problem+json", 1, true)
end

-- `row` of failures.lua, as it goes out with `status`; returns the body and its content type. `names` are filled into
-- the texts; `violated` are the names of the limits that refused the request, if some did.
function _M.render(row, code, status, names, request_id, accept, violated)
  local failure = {
    type = row.type or "urn:slipway:error:" .. code,
    violated = violated,
    code = code,
    status = status,
    title = row.title,
    detail = fill(row.detail, names),
    remedy = fill(row.remedy, names),
    fault = row.fault,
    request_id = request_id,
  }
  if wants_html(accept) then
    return html(failure)
  end
  return problem(failure)
end

return _M
