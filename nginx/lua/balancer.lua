return slipway.dial()
