"""The one entry: sets up the peers, measures, writes the results."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

from benchmarks import machine, peers, report
from benchmarks.setting import Setting

CASES = ("network", "prediction", "sizes", "workflow", "server", "folder", "cold_start", "installed")
WORK = Path(__file__).parent / ".work"


def main() -> None:
    """Follow the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure segflow against its peers.")
    parser.add_argument("--only", nargs="+", choices=CASES, default=CASES, metavar="NAME", help=", ".join(CASES))
    parser.add_argument("--rounds", type=int, default=30, help="runs of each contestant that count")
    parser.add_argument("--threads", type=int, help="threads that each may use; as many as there are cores otherwise")
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall", help="cpu: processor time of all threads")
    parser.add_argument("--peers", type=Path, default=peers.PEERS, help="folder of the peers' environments")
    parser.add_argument("--work", type=Path, default=WORK, help="folder for weights, pictures, logs and results")
    parser.add_argument("--set-up", action="store_true", help="install the peers that are not there yet, then stop")
    parser.add_argument("--torch-index", help="package index to take torch from, such as that of its CPU builds")
    chosen = parser.parse_args()
    if chosen.set_up:
        peers.set_up(chosen.peers, torch_index=chosen.torch_index)
        return
    chosen.work.mkdir(parents=True, exist_ok=True)
    setting = Setting(
        work=chosen.work.resolve(),
        peers=chosen.peers.resolve(),
        rounds=chosen.rounds,
        threads=chosen.threads,
        clock=chosen.clock,
    )
    for name in chosen.only:
        about = {**machine.describe(), "clock": chosen.clock, "rounds": str(chosen.rounds)}
        tables = []
        for table in importlib.import_module(f"benchmarks.cases.{name}").measure(setting):
            print(f"\n{table.markdown()}", flush=True)
            tables.append(table)
            report.write(setting.work, about, {name: tables})


if __name__ == "__main__":
    main()
