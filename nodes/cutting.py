"""One cut-out for ComfyUI: its progress bar, previews, interrupt and memory around the native pipeline."""

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from . import engine, host, networks

if TYPE_CHECKING:
    from torch import Tensor, device

_log = logging.getLogger("mattecore")

_PREVIEW_PX = 512
_CHECK_PX = 16


def cut_out(
    image: "Tensor",
    names: Sequence[str],
    recipe: str,
    edge: Callable[[], Any] | None = None,
) -> "tuple[Tensor, Tensor]":
    """Returns RGBA pictures and masks; ``names`` are the network's weights, ``edge`` makes the edge's refinement.

    Where the GPU's memory runs out, everything ComfyUI holds there is unloaded and the work done once more.
    """
    pipeline = engine.module("pipeline")
    import torch

    def attempt() -> Any:
        network = networks.load(names, host.torch_device())
        chosen = None if edge is None else edge()
        progress, done = _listeners(_pictures(image), 1 if chosen is None else 2)
        return pipeline.cut_out(image, network, recipe, chosen, progress=progress, done=done)

    try:
        result = attempt()
    except torch.OutOfMemoryError as error:
        # What failed is let go of only after this block.
        _log.warning("mattecore: out of memory (%s); once more with nothing else loaded", str(error).splitlines()[0])
        result = None
    if result is None:
        host.unload_everything()
        result = attempt()
    if result.unrefined:
        numbers = ", ".join(str(index + 1) for index in result.unrefined)
        _log.warning(
            "mattecore: the mask of picture %s leaves closed-form matting no certain foreground or no certain "
            "background, so it was left as it is; a smaller detail range or other points may help",
            numbers,
        )
    return host.to_intermediate(result.rgba), host.to_intermediate(result.mask)


def edge_device(word: str) -> "device":
    """Returns where VITMatte runs for the widget's word; without CUDA that is the CPU, as in the original."""
    import torch

    if word == "cpu":
        return torch.device("cpu")
    if not torch.cuda.is_available():
        _log.info("mattecore: there is no CUDA here; VITMatte runs on the CPU")
        return torch.device("cpu")
    found = host.torch_device()
    return found if found.type == "cuda" else torch.device("cuda")


def _pictures(image: Any) -> int:
    return image.shape[0] if getattr(image, "ndim", 0) == 4 else 1


def _listeners(pictures: int, stages: int) -> "tuple[Callable[[float], None], Callable[[int, Tensor], None]]":
    """Returns what takes the pipeline's fractions and its finished pictures: one step of the bar for each stage."""
    host.check_interrupt()
    total = pictures * stages
    show = host.progress_bar(total)
    shown = 0

    def progress(fraction: float) -> None:
        nonlocal shown
        host.check_interrupt()
        step = int(fraction * total + 1e-6)
        if step > shown and step % stages:  # the last stage of a picture is shown with the picture
            shown = step
            show(step, None)

    def done(index: int, rgba: "Tensor") -> None:
        nonlocal shown
        shown = (index + 1) * stages
        show(shown, ("JPEG", _preview(rgba[0]), _PREVIEW_PX))

    return progress, done


def _preview(rgba: "Tensor") -> Any:
    """Returns a cut-out [H,W,4] on a checkerboard as Pillow's picture, shrunk by leaving pixels out."""
    import torch
    from PIL import Image

    step = -(-max(rgba.shape[:2]) // _PREVIEW_PX)
    small = rgba[::step, ::step]
    y, x = (torch.arange(side) // _CHECK_PX % 2 for side in small.shape[:2])
    board = (0.4 + 0.2 * (y[:, None] ^ x[None, :])).unsqueeze(2)
    laid = torch.lerp(board, small[..., :3], small[..., 3:])
    return Image.fromarray((laid * 255).to(torch.uint8).numpy())
