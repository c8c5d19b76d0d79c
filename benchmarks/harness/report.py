"""The figures as rows, as a table and as JSON."""

import dataclasses
import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.case import Case
from harness.timing import Times


@dataclass(frozen=True)
class Row:
    """One line of the figures. ``ratio`` is better when larger; ``bar`` is what it must reach. None: not measured."""

    name: str
    size: str
    ours_s: float | None
    peer: str
    peer_s: float | None
    ratio: float | None
    bar: float | None
    ours_peak_mib: float | None
    peer_peak_mib: float | None
    device: str
    threads: int

    @property
    def mark(self) -> str:
        if self.bar is None:
            return ""
        return "pass" if self.ratio is not None and self.ratio >= self.bar else "FAIL"


def _ratio(peer: float | None, ours: float | None) -> float | None:
    if peer is None or ours is None:
        return None
    return peer / max(ours, 1e-9)


def rows_of(
    case: Case, ours_s: float | None, peer_s: float | None, ours_mib: float | None, peer_mib: float | None
) -> list[Row]:
    """Returns a case's row of time and, where it has a bar for memory that was measured, its row of memory."""
    peer_s = None if peer_s is None else peer_s * case.peer_factor
    time = Row(
        name=case.name,
        size=case.size,
        ours_s=ours_s,
        peer=case.peer,
        peer_s=peer_s,
        ratio=_ratio(peer_s, ours_s),
        bar=case.bar,
        ours_peak_mib=ours_mib,
        peer_peak_mib=peer_mib,
        device=case.device,
        threads=case.threads,
    )
    memory = dataclasses.replace(time, name=f"{case.name}, memory")
    if ours_mib is None:
        return [time]
    if case.allowed_mib is not None:
        ratio = _ratio(case.allowed_mib, ours_mib)
        allowed = dataclasses.replace(
            memory, peer=case.allowed, peer_s=None, peer_peak_mib=case.allowed_mib, ratio=ratio
        )
        return [time, dataclasses.replace(allowed, bar=1.0)]
    if case.memory_bar is not None:
        return [time, dataclasses.replace(memory, ratio=_ratio(peer_mib, ours_mib), bar=case.memory_bar)]
    return [time]


_WIDTHS = (29, 26, 7, 17, 17, 7, 4, 9, 9, 4)
_HEADS = ("name", "size", "threads", "ours ms", "peer ms", "ratio", "bar", "ours MiB", "peer MiB", "")


def _line(cells: Sequence[str]) -> str:
    padded = [cell.ljust(w) if i < 2 else cell.rjust(w) for i, (cell, w) in enumerate(zip(cells, _WIDTHS, strict=True))]
    return "| " + " | ".join(padded) + " |"


def table_head() -> str:
    """Returns the first two lines of the table, which is Markdown."""
    rule = ["-" * w if i < 2 else "-" * (w - 1) + ":" for i, w in enumerate(_WIDTHS)]
    return _line(_HEADS) + "\n" + _line(rule)


def table_line(row: Row, ours: Times | None = None, peer: Times | None = None) -> str:
    """Returns a row's line; where the times are given, with the shortest before the median."""

    def shown(value: float | None, digits: int) -> str:
        return "-" if value is None else f"{value:.{digits}f}"

    def milliseconds(median: float | None, times: Times | None) -> str:
        if median is None:
            return "-"
        shortest = "" if times is None else f"{times.shortest * 1e3:.4g} / "
        return f"{shortest}{median * 1e3:.4g}"

    return _line(
        (
            row.name,
            row.size,
            str(row.threads),
            milliseconds(row.ours_s, ours),
            milliseconds(row.peer_s, peer),
            shown(row.ratio, 2),
            "-" if row.bar is None else f"{row.bar:g}",
            shown(row.ours_peak_mib, 1),
            shown(row.peer_peak_mib, 1),
            row.mark,
        )
    )


def write_text(path: Path, text: str) -> None:
    """Writes a file under a temporary name first, so that whoever reads ``path`` never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def write_json(path: Path, rows: Sequence[Row]) -> None:
    """Writes the rows as a list of objects."""
    write_text(path, json.dumps([dataclasses.asdict(row) for row in rows], indent=1) + "\n")
