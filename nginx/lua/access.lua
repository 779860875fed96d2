return require("slipway.admission").admit()
