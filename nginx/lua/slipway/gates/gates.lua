-- The gates that every request to an app passes, in this order. A new gate is a module, and a row here: both ways of a
-- request are made from this table (chain.lua). Where it refuses with a code of its own, that has a row in
-- responses/failures.lua; where an app sets it, the setting is in `Traffic` (slipway/core/app_settings/model.py), and
-- routes/entry.lua reads it. docs/reference/edge.md lists gates and codes.
--
-- check(ctx, entry)           access phase; may yield. Returns nothing to pass the request, or a verdict and its
--                             detail (verdicts.lua). `entry` is nil for the first gate alone, which finds it.
-- passes_at_once(ctx, entry)  rewrite phase, where nothing can wait: whether this gate passes the request without
--                             anything left to do. `entry` may be outdated, and `check` may follow for the same
--                             request. A gate without it sends every request through the access phase.
-- release(ctx)                gives back what the gate took for the request, if it did: in the log phase, before a
--                             redirect to a location, and for gates that are repeated also when one after it does not
--                             pass the request.
-- is_repeated                 from the first such row on, gates are asked again each time that a waiting request looks.
-- is_last                     no row may follow: a request that this gate passes is counted for its target, and no
--                             later gate could give that back (chain.lua).
--
-- A gate sets headers of the request or of the response through headers.lua, on either way. Gates that redirect to a
-- location come first: what an earlier gate took is given back before, and taken again there.
local access = require("slipway.gates.access")
local body_quota = require("slipway.request.body_quota")
local breaker = require("slipway.gates.breaker")
local concurrency = require("slipway.gates.concurrency")
local half_open = require("slipway.balancing.half_open")
local https = require("slipway.gates.https")
local limit = require("slipway.gates.limit")
local protocol = require("slipway.request.protocol")
local redirect = require("slipway.gates.redirect")
local request_body = require("slipway.request.request_body")
local requeue = require("slipway.request.requeue")
local route = require("slipway.gates.route")
local running = require("slipway.gates.running")
local target = require("slipway.gates.target")

-- For gates that pass every request which comes to the rewrite phase: a bare one (access_phase.lua), which has no body,
-- has not waited, and was not requeued.
local function always()
  return true
end

return {
  { name = "route", check = route.check, passes_at_once = route.passes_at_once },
  { name = "https", check = https.check, passes_at_once = https.passes_at_once },
  { name = "redirect", check = redirect.check, passes_at_once = redirect.passes_at_once },
  { name = "trial", check = half_open.check, passes_at_once = half_open.passes_at_once },
  { name = "body size", check = request_body.check_size, passes_at_once = always },
  { name = "access", check = access.check, passes_at_once = access.passes_at_once, release = access.release },
  { name = "limit", check = limit.check, passes_at_once = limit.passes_at_once, release = limit.release },
  { name = "body", check = request_body.check, passes_at_once = always, release = body_quota.release },
  { name = "protocol", check = protocol.check, passes_at_once = protocol.passes_at_once },
  { name = "breaker", check = breaker.check, passes_at_once = breaker.passes_at_once, release = breaker.release },
  { name = "access again", check = access.check_again, passes_at_once = always, is_repeated = true },
  { name = "running", check = running.check, passes_at_once = running.passes_at_once, is_repeated = true },
  { name = "requeued", check = requeue.check, passes_at_once = always, is_repeated = true },
  { name = "concurrency", check = concurrency.check, passes_at_once = concurrency.passes_at_once,
    release = concurrency.release, is_repeated = true },
  { name = "target", check = target.check, passes_at_once = target.passes_at_once, is_repeated = true,
    is_last = true },
}
