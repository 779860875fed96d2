slipway.metrics()
