"""The dashboard for Grafana: what it shows, and how Grafana writes that down."""
