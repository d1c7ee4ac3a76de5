"""What `python3 -m devcluster` runs."""

import sys

from devcluster.cli import main

sys.exit(main())
