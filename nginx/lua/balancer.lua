require("slipway.attempts").dial()
