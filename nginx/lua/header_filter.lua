require("slipway.answers").header()
