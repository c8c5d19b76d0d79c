"""Cuts the sample picture out with the network that comes along: says how long that took, and where the result is."""

import argparse
import sys
from pathlib import Path

from mattecore.cli import main

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "docs" / "pictures" / "coffee.jpg"

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "demo" / "coffee.cut.png", help="where the cut-out goes")
    out = parser.parse_args().out
    sys.exit(main(["cut", str(SAMPLE), "--output", str(out), "--model", "builtin", "--overwrite"]))
