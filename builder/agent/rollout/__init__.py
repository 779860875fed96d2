"""One app from what is to what is wished: look, decide, carry out."""
