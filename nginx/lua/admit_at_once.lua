return slipway.admit_at_once()
