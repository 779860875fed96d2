require("slipway.status").answer()
