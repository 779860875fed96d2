slipway.start()
