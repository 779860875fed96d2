"""Tables over all that a tenant has: found by words, filtered, in an order, a page at a time."""
