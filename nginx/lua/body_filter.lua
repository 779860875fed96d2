slipway.answer_body()
