"""The dialects: one codec each, `load(document) -> Job` and `dump(job) -> document`."""
