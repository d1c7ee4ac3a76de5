"""A Kubernetes cluster for development and tests: `python3 -m devcluster up | down | status`."""
