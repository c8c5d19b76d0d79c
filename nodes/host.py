"""What the nodes ask of the ComfyUI they run in.

ComfyUI has imported its modules before it asks a pack for anything, so they are taken from where it put them. An import
statement would do worse outside ComfyUI, where ``nodes`` may be any folder of that name.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def registered_nodes() -> dict[str, object]:
    """Returns ComfyUI's own node registry, empty outside ComfyUI."""
    registry: dict[str, object] = getattr(sys.modules.get("nodes"), "NODE_CLASS_MAPPINGS", {})
    return registry


def display_names() -> dict[str, str]:
    """Returns ComfyUI's own registry of display names, empty outside ComfyUI."""
    names: dict[str, str] = getattr(sys.modules.get("nodes"), "NODE_DISPLAY_NAME_MAPPINGS", {})
    return names


def at_start(call: Callable[[], None]) -> None:
    """Has ``call`` made when the server starts, after every pack has been imported; never where there is no server."""
    server = _server()
    if server is not None:

        async def started(_app: object) -> None:
            call()

        server.app.on_startup.append(started)


def serve(path: str, file: Path) -> None:
    """Has the server answer ``path`` with a file; nothing where there is no server."""
    server = _server()
    if server is not None:

        async def answer(_request: object) -> Any:
            return sys.modules["aiohttp.web"].FileResponse(file)

        server.routes.get(path)(answer)


def folder_paths() -> Any:
    """Returns ComfyUI's module of that name, None outside it."""
    return sys.modules.get("folder_paths")


def metadata_is_wanted() -> bool:
    """Returns False where ComfyUI was started with --disable-metadata."""
    args = getattr(sys.modules.get("comfy.cli_args"), "args", None)
    return not getattr(args, "disable_metadata", False)


def torch_device() -> "torch.device":
    """Returns where ComfyUI computes, if mattecore can compute there too: CUDA; else the CPU."""
    import torch

    management = _management()
    device = torch.device("cpu") if management is None else torch.device(management.get_torch_device())
    return device if device.type == "cuda" else torch.device("cpu")


def to_intermediate(tensor: "torch.Tensor") -> "torch.Tensor":
    """Returns a result where ComfyUI wants results to lie."""
    management = _management()
    return tensor if management is None else tensor.to(management.intermediate_device())


def check_interrupt() -> None:
    """Raises ComfyUI's InterruptProcessingException where its user has pressed the button."""
    management = _management()
    if management is not None:
        management.throw_exception_if_processing_interrupted()


def progress_bar(total: int) -> Callable[[int, Any], None]:
    """Returns a function that sets the running node's progress bar, with a picture (or None) to preview."""
    utils = sys.modules.get("comfy.utils")
    if utils is None:
        return lambda value, preview: None
    bar = utils.ProgressBar(total)
    return lambda value, preview: bar.update_absolute(value, total, preview)


def load_into_memory_manager(patcher: Any) -> None:
    """Makes room for a network and tells ComfyUI that it is in use."""
    _management().load_models_gpu([patcher])


def model_patcher() -> Any:
    """Returns the class that ComfyUI's memory manager knows models by, None outside ComfyUI."""
    return None if _management() is None else getattr(sys.modules.get("comfy.model_patcher"), "ModelPatcher", None)


def unload_everything() -> None:
    """Does what the button "Free model" does."""
    management = _management()
    if management is not None:
        management.unload_all_models()
        management.soft_empty_cache()


def max_resolution() -> int:
    """Returns the largest picture side ComfyUI allows; outside ComfyUI the value it has had since 2024."""
    return int(getattr(sys.modules.get("nodes"), "MAX_RESOLUTION", 16384))


def sampler_names() -> list[str]:
    """Returns the samplers of the running ComfyUI, none outside it."""
    return list(getattr(_k_sampler(), "SAMPLERS", []))


def scheduler_names() -> list[str]:
    """Returns the schedulers of the running ComfyUI, none outside it."""
    return list(getattr(_k_sampler(), "SCHEDULERS", []))


def custom_nodes_folders(pack: Path) -> list[Path]:
    """Returns the folders ComfyUI loads packs from: those it names, and the one ``pack`` lies in if it is one.

    ``pack`` is the path ComfyUI imported it by, links kept: a checkout elsewhere may be linked into custom_nodes.
    """
    folders = [pack.parent] if pack.parent.name == "custom_nodes" else []
    folder_paths = sys.modules.get("folder_paths")
    if folder_paths is not None:
        try:
            named = folder_paths.get_folder_paths("custom_nodes")
        except KeyError:
            named = []
        folders += [Path(folder) for folder in named]
    return list(dict.fromkeys(folders))


def _server() -> Any:
    return getattr(getattr(sys.modules.get("server"), "PromptServer", None), "instance", None)


def _k_sampler() -> Any:
    return getattr(sys.modules.get("comfy.samplers"), "KSampler", None)


def _management() -> Any:
    return sys.modules.get("comfy.model_management")
