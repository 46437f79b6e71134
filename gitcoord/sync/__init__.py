"""Keeping a clone and its hub in step: fetch, merge by record, push what changed. Knows stores, but no verb."""
