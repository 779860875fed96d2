-- Loaded once in the master, so that workers share the code and need no right to read it. `slipway` is the one global:
-- a phase finds its function there, since a `require` at every request costs more and is never compiled.
require("slipway.settings").load(ngx.config.prefix() .. "settings.json")

jit.opt.start("loopunroll=60") -- tail calls count towards it, and most of what nginx offers ends in some

require("slipway.counters").share()

local admission = require("slipway.admission")
local answers = require("slipway.answers")
local attempts = require("slipway.attempts")
local outcomes = require("slipway.outcomes")
local trials = require("slipway.trials")
local status = require("slipway.status")
local worker = require("slipway.worker")

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
  dial_trial = trials.dial,
  finish = outcomes.finish,
  finish_trial = trials.finish,
  answer_header = answers.header,
  app_header = answers.app_header,
  note_trial = trials.note_answer,
  answer_body = answers.body,
  settle = answers.settle,
  metrics = require("slipway.exposition").answer,
  status = status.answer,
  ready = status.ready,
}
