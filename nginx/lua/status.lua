slipway.status()
