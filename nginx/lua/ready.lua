slipway.ready()
