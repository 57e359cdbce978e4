"""Not a contestant: counts what a requirement needs in this environment, ``count_packages.py REQUIREMENT``."""

from __future__ import annotations

import json
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from pip._vendor.packaging.requirements import Requirement


def needed(requirement: Requirement) -> dict[str, Distribution]:
    """Return every distribution that a requirement needs here, itself among them, by name."""
    found: dict[str, Distribution] = {}
    asked: set[tuple[str, str]] = set()
    waiting = [(requirement, extra) for extra in ("", *requirement.extras)]
    while waiting:
        wanted, extra = waiting.pop()
        if (wanted.name.lower(), extra) in asked:
            continue
        asked.add((wanted.name.lower(), extra))
        try:
            here = distribution(wanted.name)
        except PackageNotFoundError:
            continue
        found[here.metadata["Name"].lower()] = here
        for text in here.requires or ():
            needs = Requirement(text)
            if needs.marker is None or needs.marker.evaluate({"extra": extra}):
                waiting += [(needs, more) for more in ("", *needs.extras)]
    return found


def size(package: Distribution) -> int:
    """Return the bytes of a distribution's files; of one that is installed to be edited, of the packages it shows."""
    source = package.read_text("direct_url.json")
    about = json.loads(source) if source else {}
    if about.get("dir_info", {}).get("editable"):
        root = Path(url2pathname(urlsplit(about["url"]).path))
        names = (package.read_text("top_level.txt") or "").split()
        return sum(_bytes(file) for name in names for file in (root / name).rglob("*"))
    return sum(_bytes(Path(str(file.locate()))) for file in package.files or ())


def _bytes(file: Path) -> int:
    return file.stat().st_size if file.is_file() else 0


if __name__ == "__main__":
    packages = needed(Requirement(sys.argv[1]))
    sizes = {name: size(package) for name, package in packages.items()}
    print(json.dumps({"packages": len(packages), "bytes": sum(sizes.values()), "torch": sizes.get("torch", 0)}))
