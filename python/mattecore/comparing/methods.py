"""Which methods are compared: a network and a way of refining its edge each, as ``builtin+guided``."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ..cutting import models
from ..cutting.options import REFINES, Refine

# What the strongest network's edge is refined by, unless methods are named; the other networks get _USUAL.
_EDGES: tuple[Refine, ...] = ("none", "guided", "closed-form", "vitmatte")
_USUAL: Refine = "guided"


class Method(NamedTuple):
    model: str  # as mattecore.cutting.Options take it
    refine: Refine

    @property
    def name(self) -> str:
        """Returns what it is called beside others; of a file of weights, its name alone."""
        return f"{Path(self.model).name} + {self.refine}"


class Choice(NamedTuple):
    methods: list[Method]
    missing: list[str]  # one sentence each on weights that are not here, with the command that fetches them


def choose(words: str | None) -> Choice:
    """Returns the methods that ``words`` name, in their order, or by themselves a choice of what is here.

    A word between commas is NETWORK+REFINEMENT, a network (with every refinement), or a refinement (with every network
    that is here). Without words: every refinement with the strongest network, and every other network with the usual
    one. Raises WeightsError, one sentence, for a word that nobody knows, and where nothing is left.
    """
    here = models.here()
    if words is None:
        wanted = [Method(here[0], refine) for refine in _EDGES] + [Method(model, _USUAL) for model in here[1:]]
    else:
        wanted = [method for word in words.split(",") for method in _meant(word.strip(), here)]
    methods, missing = [], []
    for method in dict.fromkeys(wanted):
        try:
            models.find(method.model)
            if method.refine in models.VITMATTES:
                models.find_vitmatte(method.refine)
            methods.append(method)
        except models.MissingError as error:
            missing.append(str(error))
    missing = list(dict.fromkeys(missing))
    if not methods:
        raise models.MissingError("; ".join(missing))
    return Choice(methods, missing)


def _meant(word: str, here: list[str]) -> Iterator[Method]:
    model, _, refine = word.rpartition("+")
    for known in REFINES:
        if word == known:
            yield from (Method(model, known) for model in here)
            return
        if model and refine == known:
            yield Method(model, known)
            return
    yield from (Method(word, refine) for refine in _EDGES)
