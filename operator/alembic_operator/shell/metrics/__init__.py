"""What Prometheus is told: read from the cache while it asks; nothing is kept for each object in between."""
