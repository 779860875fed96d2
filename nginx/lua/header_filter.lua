slipway.answer_header()
