slipway.stop()
