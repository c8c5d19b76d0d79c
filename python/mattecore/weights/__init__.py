"""The networks' weights: what there is (``manifest``) and where the user already has it (``search``)."""

from .manifest import Entry, WeightsFile, manifest
from .search import Found, Looked, SearchResult, search

__all__ = ["Entry", "Found", "Looked", "SearchResult", "WeightsFile", "manifest", "search"]
