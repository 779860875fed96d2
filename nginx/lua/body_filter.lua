require("slipway.answers").body()
