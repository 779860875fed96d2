slipway.settle()
