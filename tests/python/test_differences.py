"""docs/differences.md: every row names tests, and they are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINES = (ROOT / "docs" / "differences.md").read_text(encoding="utf-8").splitlines()
ROWS = [line for line in LINES if line.startswith("| ")][1:]  # without the heading


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip()[:60])
def test_a_row_names_tests_that_exist(row: str) -> None:
    _, _, _, _, cell, _ = row.split("|")
    for named in cell.split(","):
        file, name = re.fullmatch(r" ?`(tests/[\w/]+\.(?:py|cpp))::([\w.]+)` ?", named).groups()
        definition = f"({name.replace('.', ', ')}) {{" if file.endswith(".cpp") else f"def {name}("
        assert definition in (ROOT / file).read_text(encoding="utf-8")


def test_there_are_rows() -> None:
    assert len(ROWS) > 30
