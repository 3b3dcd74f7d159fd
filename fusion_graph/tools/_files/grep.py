"""Looks for an expression in texts. A program of its own, run by its path with `-I -S`: a model wrote the expression,
and one that takes for ever can be ended only with its process.

Standard input: the expression and the most matches on the first line, then a file a line, all as JSON. Standard output:
a match a line, as [path, line number, line].
"""

from __future__ import annotations

import json
import re
import resource
import sys

WIDTH = 300


def main() -> int:
    resource.setrlimit(resource.RLIMIT_DATA, (1 << 30, 1 << 30))
    expression, most = json.loads(sys.stdin.readline())
    pattern = re.compile(expression)
    for given in sys.stdin:
        path, text = json.loads(given)
        for number, line in enumerate(text.splitlines(), start=1):
            if pattern.search(line):
                sys.stdout.write(json.dumps([path, number, line.strip()[:WIDTH]]) + "\n")
                most -= 1
                if most <= 0:
                    return 0
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
