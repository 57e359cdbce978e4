"""Runs the checks in full, prints what they found, and writes it down."""

from __future__ import annotations

import argparse
import sys
import time

from reliability import apart, report
from reliability.checks import CHECKS


def main() -> int:
    """Follow the command line; 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m reliability", description="Try to break segflow's promises.")
    parser.add_argument("--only", nargs="+", choices=CHECKS, default=list(CHECKS), metavar="NAME")
    parser.add_argument("--count", type=int, help="how many cases to try instead of each check's own number")
    parser.add_argument("--seed", type=int, default=1, help="where chance begins")
    parser.add_argument("--dry", action="store_true", help="print the results and write nothing")
    asked = parser.parse_args()
    kept = True
    for name in asked.only:
        check, began = CHECKS[name], time.monotonic()
        count = asked.count or check.count
        outcome = apart.run(name, count, seed=asked.seed, seconds=check.seconds + count)
        spent = time.monotonic() - began
        kept = kept and outcome.kept
        print(report.told(name, outcome, seconds=spent), flush=True)
        if not asked.dry:
            report.write(name, outcome, seconds=spent)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
