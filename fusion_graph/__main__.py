"""`python -m fusion_graph` is `fusiongraph`."""

from __future__ import annotations

import sys

from fusion_graph.commands import main

if __name__ == "__main__":
    sys.exit(main())
