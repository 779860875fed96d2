require("slipway.worker").start()
