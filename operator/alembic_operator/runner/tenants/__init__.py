"""One project over many tenants: which there are, how they stand, and the processes that migrate them."""
