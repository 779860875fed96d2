-- Loaded once in the master, so that workers share the code and need no right to read it.
require("slipway.settings").load(ngx.config.prefix() .. "settings.json")
require("slipway.admission")
require("slipway.answers")
require("slipway.attempts")
require("slipway.follower")
require("slipway.reporter")
require("slipway.status")
require("slipway.worker")
