"""The networks' weights: what there is (``manifest``), where the user already has it (``search``), which file is what
(``lookup``), and how it gets there (``download``).

``mattecore.weights.reader``, which needs torch, reads them; nothing else here loads it.
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
