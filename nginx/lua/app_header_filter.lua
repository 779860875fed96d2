slipway.app_header()
