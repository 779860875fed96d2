slipway.finish()
slipway.measure()
