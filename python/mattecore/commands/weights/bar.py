"""The progress bar of the verbs that take their time."""

import contextlib
import sys
from collections.abc import Iterator

from ...weights.digest import Progress


@contextlib.contextmanager
def progress_bar(title: str) -> Iterator[Progress]:
    """Shows bytes done of bytes in all on a terminal, and nothing elsewhere."""
    from tqdm import tqdm  # type: ignore[import-untyped]  # not above: help and doctor need no more than Python

    with tqdm(
        desc=title, unit="B", unit_scale=True, unit_divisor=1024, disable=not sys.stderr.isatty(), leave=False
    ) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total or None
            bar.update(done - bar.n)

        yield show
