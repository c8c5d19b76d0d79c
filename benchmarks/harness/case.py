"""What is measured: one piece of work, done by us and by a peer."""

from collections.abc import Callable
from dataclasses import dataclass

Call = Callable[[], object]
Maker = Callable[[], Call]
"""Makes the inputs and returns the call to be measured, which returns its result."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A piece of work of one size. It gives one row of time, and one of memory where there is a bar for that.

    ``bar`` is what peer time / our time must reach, ``memory_bar`` the same for peak memory; None: shown, not judged.
    """

    name: str
    size: str
    threads: int
    ours: Maker
    peer: str
    peer_call: Maker
    bar: float | None = None
    peer_factor: float = 1.0
    """Times the peer's time: 5 where ours on the larger picture may take 5 times a smaller one's, 0.05 for a share."""
    memory_bar: float | None = None
    allowed_mib: float | None = None
    """Peak memory is compared with this instead of the peer's; ``allowed`` says in words what it is."""
    allowed: str = ""
    at_least: int = 5
    """Repetitions, however long they take."""
    device: str = "cpu"

    @property
    def key(self) -> str:
        """Tells the case from all others."""
        return f"{self.name}, {self.size}, {self.threads}"
