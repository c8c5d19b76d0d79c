"""The networks' weights: what there is (``manifest``), where the user has it (``search``), what a file is (``lookup``).

The modules ``download``, ``verify`` and ``convert`` do what the verbs of ``mattecore weights`` are named for, and
``reader`` reads the files; only ``reader`` and ``convert`` load torch when they are imported.
"""

from .error import WeightsError
from .lookup import lookup
from .manifest import Entry, WeightsFile, manifest
from .search import Found, Looked, SearchResult, search

__all__ = [
    "Entry",
    "Found",
    "Looked",
    "SearchResult",
    "WeightsError",
    "WeightsFile",
    "lookup",
    "manifest",
    "search",
]
