-- Loaded once in the master, so that workers share the code and need no right to read it. `slipway` is the one global:
-- each phase finds its function there, since a `require` at every request costs more and is never compiled.
require("slipway.worker.settings").load(ngx.config.prefix() .. "settings.json")

require("slipway.worker.compiler").start() -- first: modules keep functions of `ngx` that it replaces

require("slipway.metrics.counters").share()

local settings = require("slipway.worker.settings")
local has_tls = settings.certificates ~= nil
local handshake = has_tls and require("slipway.tls.handshake") or {}
local tls_control = has_tls and require("slipway.tls.control") or {}
if has_tls then
  require("slipway.tls.startup").load()
end

local access_phase = require("slipway.request.access_phase")
local attempts = require("slipway.request.attempts")
local log_phase = require("slipway.request.log_phase")
local half_open = require("slipway.balancing.half_open")
local responses = require("slipway.responses.responses")
local status = require("slipway.worker.status")
local with_hsts = require("slipway.tls.https_policy").with_hsts
local worker = require("slipway.worker.worker")

slipway = {
  start = worker.start,
  stop = worker.stop,
  rewrite_app = access_phase.rewrite_app,
  access_app = access_phase.access_app,
  access_trial = access_phase.access_trial,
  access_requeued = access_phase.access_requeued,
  access_console = access_phase.access_console,
  access_webhook = access_phase.access_webhook,
  answer_challenge = require("slipway.tls.challenge").answer,
  access_slipway_page = access_phase.access_slipway_page,
  tls_hello = handshake.hello,
  tls_certificate = handshake.certificate,
  list_certificates = tls_control.list,
  put_certificate = tls_control.put_certificate,
  replace_ticket_key = tls_control.replace_ticket_key,
  put_certificate_index = tls_control.put_index,
  dial = attempts.dial,
  dial_trial = half_open.dial,
  header = with_hsts(responses.header),
  header_app = with_hsts(responses.header_app),
  header_trial = half_open.header,
  body = responses.body,
  log_app = log_phase.log_app,
  log_trial = half_open.log,
  log_console = access_phase.log_console,
  metrics = require("slipway.metrics.prometheus").write,
  status = status.write,
  ready = status.ready,
}
