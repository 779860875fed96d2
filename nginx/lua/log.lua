slipway.finish()
