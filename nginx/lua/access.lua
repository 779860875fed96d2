return slipway.admit()
