-- Loaded once in the master, so that workers share the code and need no right to read it. `slipway` is the one global:
-- a phase finds its function there, since a `require` at every request costs more and is never compiled.
require("slipway.worker.settings").load(ngx.config.prefix() .. "settings.json")

jit.opt.start("loopunroll=60") -- tail calls count towards it, and most of what nginx offers ends in some

require("slipway.metrics.counters").share()

local admission = require("slipway.request.admission")
local responses = require("slipway.responses.responses")
local attempts = require("slipway.request.attempts")
local log_phase = require("slipway.request.log_phase")
local half_open = require("slipway.balancing.half_open")
local status = require("slipway.worker.status")
local worker = require("slipway.worker.worker")

slipway = {
  start = worker.start,
  stop = worker.stop,
  admit = admission.admit,
  admit_at_once = admission.admit_at_once,
  admit_trial = admission.admit_trial,
  admit_own = admission.admit_own,
  finish_own = admission.finish_own,
  admit_again = admission.admit_again,
  dial = attempts.dial,
  dial_trial = half_open.dial,
  finish = log_phase.finish,
  finish_trial = half_open.finish,
  answer_header = responses.header,
  app_header = responses.app_header,
  note_trial = half_open.note_answer,
  answer_body = responses.body,
  settle = responses.settle,
  metrics = require("slipway.metrics.prometheus").answer,
  status = status.answer,
  ready = status.ready,
}
