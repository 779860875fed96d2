require("slipway.attempts").finish()
