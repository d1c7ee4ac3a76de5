"""Run the operator: watch, queue, reconcile; the only importer of `kopf`."""
