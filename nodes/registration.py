"""Which class ComfyUI gets under which id."""

import logging
import os
from pathlib import Path
from typing import Any

from ..python import mattecore as checkout
from ..python.mattecore import node_ids
from . import engine, host
from .basic_pipe import FromBasicPipe, ToBasicPipe
from .image_rem_bg import ImageRemBg
from .mask_detailer import MaskDetailerBatch, MaskDetailerPipe
from .ultra import BiRefNetUltra, RemBgUltra, RmBgUltraV2

# Original id -> class, the original's display name, ours.
_NODES: dict[str, tuple[type, str, str]] = {
    "LayerMask: RemBgUltra": (RemBgUltra, "LayerMask: RemBgUltra", "RemBgUltra (mattecore)"),
    "LayerMask: RmBgUltra V2": (RmBgUltraV2, "LayerMask: RmBgUltra V2", "RmBgUltra V2 (mattecore)"),
    "LayerMask: BiRefNetUltra": (BiRefNetUltra, "LayerMask: BiRefNetUltra", "BiRefNetUltra (mattecore)"),
    "easy imageRemBg": (ImageRemBg, "Image Remove Bg", "Image Remove Bg (mattecore)"),
    "MaskDetailerPipe": (MaskDetailerPipe, "MaskDetailer (pipe)", "MaskDetailer pipe (mattecore)"),
}

# Nodes that stand in for nobody's: id -> class, display name.
_OWN_NODES: dict[str, tuple[type, str]] = {
    "MattecoreMaskDetailerBatch": (MaskDetailerBatch, "MaskDetailer batch (mattecore)"),
    "MattecoreToBasicPipe": (ToBasicPipe, "To Basic Pipe (mattecore)"),
    "MattecoreFromBasicPipe": (FromBasicPipe, "From Basic Pipe (mattecore)"),
}

_log = logging.getLogger("mattecore")


def mappings(pack: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Returns NODE_CLASS_MAPPINGS and NODE_DISPLAY_NAME_MAPPINGS for the pack that ComfyUI imported from ``pack``.

    Logs in one line who has the original ids and, where the installed package cannot run the nodes, in one more what
    mends it; the nodes are registered all the same, so that a workflow loads and says why it cannot run.
    """
    trouble = engine.problem()
    if trouble:
        _log.error("mattecore: %s", trouble)
    try:
        mode = node_ids.mode(os.environ)
    except ValueError as error:
        _log.warning("mattecore: %s; going on as with defer", error)
        mode = "defer"
    our_package = __name__.rpartition(".nodes.")[0]
    owners = node_ids.find_owners(host.custom_nodes_folders(pack), host.registered_nodes(), our_package)
    assignment = node_ids.assign(mode, owners)
    _log.info("mattecore %s: %s", checkout.__version__, assignment.sentence())
    host.at_start(lambda: settle(assignment))
    for original, own in node_ids.OWN_IDS.items():
        # The editor asks for the page by the id, which on Windows can be no file's name.
        host.serve(f"/extensions/{pack.name}/docs/{original}.md", pack / "web" / "docs" / f"{own}.md")

    classes: dict[str, Any] = {}
    names: dict[str, str] = {}
    for original, (node, original_name, own_name) in _NODES.items():
        own = node_ids.OWN_IDS[original]
        classes[own], names[own] = node, own_name
        if original in assignment.taken:
            classes[original], names[original] = node, original_name
    for own, (node, name) in _OWN_NODES.items():
        classes[own], names[own] = node, name
    return classes, names


def settle(assignment: node_ids.Assignment) -> None:
    """Looks again who has the original ids once every pack has been imported, and says what came otherwise.

    An id left to a pack that did not register it after all becomes ours. One of ours that a later pack took stays with
    that pack, unless MATTECORE_IDS=override says whose it is; that pack's class is not touched.
    """
    registry, names = host.registered_nodes(), host.display_names()
    for original, (node, original_name, _) in _NODES.items():
        live = registry.get(original)
        wanted = original in assignment.taken
        if live is node or assignment.mode == "off":
            continue
        if live is None and not wanted:
            _log.info("mattecore: no pack registered %s after all, so it is mattecore's", original)
        elif live is not None and wanted:
            other = node_ids.pack_of(live)
            if assignment.mode != "override":
                _log.warning(
                    "mattecore: %s registered %s after us and has it now; MATTECORE_IDS=override makes it ours",
                    *(other, original),
                )
                continue
            _log.info("mattecore: %s is ours, not %s's, as MATTECORE_IDS=override wants", original, other)
        else:
            continue
        registry[original], names[original] = node, original_name
