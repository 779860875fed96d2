-- The edge's own responses by code: HTTP status, whose fault it is (client, app, platform), what happened and what to
-- do. `%{host}`, `%{app}` and the seconds of the app's timeouts are filled in.
local _M = {}

_M.BY_CODE = {
  ["unknown-host"] = {
    status = 404, fault = "client", title = "No app here",
    detail = "No app answers at %{host}.",
    remedy = "Check the address. If the app is yours, give it this host: slipway domains add %{host}",
  },
  ["not-found"] = {
    status = 404, fault = "client", title = "Not found",
    detail = "There is nothing at this address.",
    remedy = "Check the address.",
  },
  ["misdirected"] = {
    status = 421, fault = "client", title = "Connection for another host",
    detail = "The TLS connection was made for another host than %{host}, and its certificate is not for both.",
    remedy = "Open a connection for %{host}. Browsers do so by themselves.",
  },
  ["body-too-large"] = {
    status = 413, fault = "client", title = "Request too large",
    detail = "The request's body is larger than this app accepts.",
    remedy = "Send less, or raise the app's limit if it is yours.",
  },
  ["payload-too-large"] = {
    status = 413, fault = "client", title = "Request too large",
    detail = "The request's body is larger than the platform accepts.",
    remedy = "Send less. If it is a delivery: push fewer commits at once; the host's owner can raise "
      .. "SLIPWAY_DELIVERY_MAX_BYTES. If it is for an app: SLIPWAY_EDGE_BODIES_BYTES (one has three eighths of that)",
  },
  ["bodies-full"] = {
    status = 503, fault = "platform", title = "Too many uploads", retry_after_s = 5,
    detail = "As many request bodies are under way as the platform has room for.",
    remedy = "Try again in a few seconds. The host's owner can raise SLIPWAY_EDGE_BODIES_BYTES",
  },
  ["app-bodies-full"] = {
    status = 503, fault = "app", title = "Too many uploads", retry_after_s = 5,
    detail = "As many request bodies are under way to the app as one app has room for.",
    remedy = "Try again in a few seconds.",
  },
  ["tenant-bodies-full"] = {
    status = 503, fault = "app", title = "Too many uploads", retry_after_s = 5,
    detail = "As many request bodies are under way to apps of this app's tenant as one tenant has room for.",
    remedy = "Try again in a few seconds. The host's owner can raise SLIPWAY_EDGE_BODIES_BYTES",
  },
  ["client-bodies-full"] = {
    status = 429, fault = "client", title = "Too many uploads", retry_after_s = 5,
    detail = "As many request bodies are under way from this client's address as one client has room for.",
    remedy = "Let some of the uploads end, then try again.",
  },
  ["limit-reached"] = {
    status = 429, fault = "client", title = "Too many requests",
    type = "https://iana.org/assignments/http-problem-types#quota-exceeded",
    detail = "More requests were sent than a limit of this app allows: %{violated}.",
    remedy = "Wait %{retry_after_s} s, then go on more slowly. If the app is yours: slipway limits -a %{app}",
  },
  ["sign-in-needed"] = {
    status = 401, fault = "client", title = "Sign-in needed",
    detail = "%{host} answers people who are signed in, and programs with a token.",
    remedy = "Open it in a browser to sign in. A program sends a token: Authorization: Bearer slw_…",
  },
  ["not-allowed"] = {
    status = 403, fault = "client", title = "Not allowed",
    detail = "%{who} not allowed to open this at %{host}.",
    remedy = "Ask whoever runs it for access. To sign in as somebody else, sign out first: /.slipway/sign-out",
  },
  ["sign-in-busy"] = {
    status = 429, fault = "client", title = "Too many sign-ins", retry_after_s = 60,
    detail = "Too many sign-ins were begun within a minute.",
    remedy = "Try again in a minute.",
  },
  ["sign-on-unavailable"] = {
    status = 503, fault = "platform", title = "Sign-on not answering", retry_after_s = 5,
    detail = "The platform can't find out now who you are, and %{host} is not for everybody.",
    remedy = "Try again in a few seconds. If it stays: slipway doctor",
  },
  ["sign-on-off"] = {
    status = 503, fault = "platform", title = "Sign-on switched off",
    detail = "%{host} is not for everybody, and nobody can sign in: the platform's sign-on is switched off.",
    remedy = "The host's owner can set SLIPWAY_KEYCLOAK. If the app is yours, and for all: slipway access set public",
  },
  ["bad-request"] = {
    status = 400, fault = "client", title = "Request not understood",
    detail = "The request breaks a rule of HTTP, so it was not passed on.",
    remedy = "Check the request line, the headers and their size.",
  },
  ["no-ready-replica"] = {
    status = 503, fault = "app", title = "App starting", retry_after_s = 5,
    detail = "The app is deployed and meant to run, but none of its replicas is ready: they start, or they fail.",
    remedy = "Try again in a few seconds. If the app is yours, see what its replicas do: slipway ps -a %{app}",
  },
  ["not-deployed"] = {
    status = 503, fault = "app", title = "App not deployed yet",
    detail = "The app exists, but no deployment of it is live: there was none, it is under way, or it failed.",
    remedy = "If the app is yours: push a commit, or see how its deployment goes: slipway deployments -a %{app}",
  },
  ["scaled-to-zero"] = {
    status = 503, fault = "app", title = "App switched off",
    detail = "The app is deployed, but scaled to 0: nothing of it runs until its owner wants it to.",
    remedy = "If the app is yours: slipway scale 1 -a %{app}",
  },
  ["app-stopped"] = { -- for a reason that this edge does not know
    status = 503, fault = "app", title = "App not running",
    detail = "The app exists, but nothing of it is meant to run.",
    remedy = "If the app is yours: slipway ps -a %{app}",
  },
  ["app-busy"] = {
    status = 503, fault = "app", title = "App busy", retry_after_s = 2,
    detail = "The app has as many requests under way as it allows, and none ended in time.",
    remedy = "Try again in a few seconds. If the app is yours: slipway scale -a %{app}, or raise max_concurrency",
  },
  ["waiting-room-full"] = {
    status = 503, fault = "app", title = "App busy", retry_after_s = 5,
    detail = "As many requests as may wait for the app are waiting already.",
    remedy = "Try again in a few seconds. If the app is yours: slipway ps -a %{app}",
  },
  ["circuit-open"] = {
    status = 503, fault = "app", title = "App not answering", retry_after_s = 5,
    detail = "The app gave no answer to many requests in a row, so no more are sent to it for a moment.",
    remedy = "Try again in a few seconds. If the app is yours: slipway logs -a %{app}",
  },
  ["replica-failed"] = {
    status = 502, fault = "app", title = "App gave no answer",
    detail = "The app refused or closed the connection before it answered.",
    remedy = "Try again. If the app is yours: slipway logs -a %{app}",
  },
  ["broken-answer"] = {
    status = 502, fault = "app", title = "App's answer not understood",
    detail = "What the app answered is no HTTP, or an interim response (1xx), which the edge can't pass on.",
    remedy = "If the app is yours: turn off early hints, and switch protocols only when a client asks for WebSocket.",
  },
  ["replica-slow"] = { -- the edge can't know which of the three it is
    status = 504, fault = "app", title = "App gave no answer in time",
    detail = "The app took the request and sent nothing for %{read_s} s. It may work on it still, hang, or have lost "
      .. "it with a process that crashed.",
    remedy = "Look whether it was done before you repeat it. If the app is yours, see what it printed: "
      .. "slipway logs -a %{app}; if it needs more time: slipway apps set timeouts.read_s=… -a %{app}",
  },
  ["replica-unreachable"] = {
    status = 504, fault = "app", title = "App took no connection",
    detail = "The app took no connection within %{connect_s} s, so the request was not sent to it.",
    remedy = "Try again. If the app is yours, see whether its replicas run: slipway ps -a %{app}",
  },
  ["edge-starting"] = {
    status = 503, fault = "platform", title = "Platform starting", retry_after_s = 2,
    detail = "This edge has no complete route table yet, so it can't know whether %{host} is an app.",
    remedy = "Try again in a few seconds. If it stays: slipway doctor",
  },
  ["broken-route"] = {
    status = 503, fault = "platform", title = "Route not readable", retry_after_s = 5,
    detail = "The route of %{host} could not be read by this edge.",
    remedy = "Tell the platform's administrator the request id; the edge's error log has the details.",
  },
  ["service-unavailable"] = {
    status = 503, fault = "platform", title = "Platform not answering", retry_after_s = 5,
    detail = "The platform's own service did not answer. Apps serve on.",
    remedy = "Try again in a few seconds. If it stays: slipway doctor",
  },
  ["internal"] = {
    status = 500, fault = "platform", title = "Platform error",
    detail = "The edge failed to handle the request.",
    remedy = "Tell the platform's administrator the request id; the edge's error log has the details.",
  },
}

-- nginx's own refusals of an app's request, by status; others by their hundred.
local OF_APP = { [413] = "body-too-large", [502] = "replica-failed", [504] = "replica-slow" }
local OF_ANY = { [404] = "not-found", [413] = "payload-too-large", [502] = "service-unavailable",
  [501] = "bad-request", [503] = "service-unavailable", [504] = "service-unavailable", [505] = "bad-request" }

-- The code itself where it has a row, else `internal`: a request that is refused with an unknown code stays refused,
-- and the error log names the code.
function _M.described(code)
  if _M.BY_CODE[code] then
    return code
  end
  ngx.log(ngx.ERR, "a request was refused with a code that failures.lua does not have: ", tostring(code))
  return "internal"
end

function _M.code_of(status, has_app)
  return has_app and OF_APP[status] or OF_ANY[status] or (status < 500 and "bad-request" or "internal")
end

return _M
