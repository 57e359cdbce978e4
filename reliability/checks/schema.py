"""The server's answers, held against its own description of the API by schemathesis."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from pathlib import Path

from reliability.outcome import Given, Outcome
from reliability.servers import serving

OPERATIONS = 32
"""At least so many operations of the description take further examples, one request each."""


def check(given: Given) -> Outcome:
    """Send requests that fit the description and requests that do not; no answer may surprise, none be a 5xx."""
    examples = max(4, math.ceil(given.count / OPERATIONS))
    with serving(given.folder, "--workers", "2", "--timeout", "20") as server:
        before = len(server.log())  # until it was ready, it said so by a 503
        command = [
            str(Path(sys.executable).with_name("schemathesis")),
            *("run", f"{server.client.base_url}/openapi.json", "--max-examples", str(examples), "--no-color"),
            *("--seed", str(given.seed), "--request-timeout", "60"),
            # What a document or a base64 text means is beyond what a schema can say, so bodies that fit may be refused.
            *("--exclude-checks", "positive_data_acceptance"),
        ]
        done = subprocess.run(command, cwd=given.folder, capture_output=True, text=True, check=False)
        codes = [int(status) for status in re.findall(r'"status":(\d{3})', server.log()[before:])]
    found = re.search(r"(\d+) generated, (\d+) passed", done.stdout)
    if found is None:
        return Outcome(tried=0, broken=[done.stdout[-3000:] + done.stderr[-3000:]])
    broken = [] if done.returncode == 0 else [done.stdout[-6000:]]
    failed = sum(code >= 500 for code in codes)
    if failed:
        broken.append(f"{failed} answers of 5xx: {sorted({code for code in codes if code >= 500})}")
    if "Traceback" in server.log():
        broken.append("a traceback is in the log")
    if int(found[1]) < given.count:
        broken.append(f"only {found[1]} requests were made")
    return Outcome(tried=int(found[1]), broken=broken)
