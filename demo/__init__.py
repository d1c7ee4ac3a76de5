"""The demo: one service, four releases and one bad migration on a real Kubernetes node: `python3 -m demo`."""
