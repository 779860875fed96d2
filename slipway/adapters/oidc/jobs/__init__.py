"""CI jobs' own tokens: of issuers that tenants name, and that are fetched from only at addresses that may be."""
