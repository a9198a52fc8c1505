"""The web side of a running connector: health, metrics, webhooks."""
