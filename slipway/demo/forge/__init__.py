"""A small git forge for the demo and the tests."""
