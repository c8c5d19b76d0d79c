"""Our networks in ComfyUI's memory manager, so that "Free model" and a lack of memory reach them.

ComfyUI knows models by its ModelPatcher. Each of our networks has one, derived from the class of the running version,
around a module without weights; the weights are the core's, and dropped there.
"""

import functools
from typing import Any

from . import engine, host

# A patcher stays after its network was dropped: ComfyUI may be in the middle of its list of models, and shortens that
# when a patcher's module goes.
_patchers: dict[str, Any] = {}


def in_use(key: str, *, on_gpu: bool) -> None:
    """Tells ComfyUI that the network which the core keeps under ``key`` is loaded and in use."""
    if host.model_patcher() is None:
        return
    if key not in _patchers:
        _patchers[key] = _patcher_class()(key, on_gpu)
    host.load_into_memory_manager(_patchers[key])


@functools.cache
def _patcher_class() -> type:
    import torch

    base: Any = host.model_patcher()

    class MattecoreNetwork(torch.nn.Module):
        """What ComfyUI's log names as loaded."""

    class NetworkPatcher(base):  # type: ignore[misc]
        def __init__(self, key: str, on_gpu: bool) -> None:
            self.key = key
            self.counts = on_gpu or host.torch_device().type == "cpu"
            # "Free model" frees the models of ComfyUI's device alone; so that is named also for what is on the CPU,
            # with no bytes there.
            super().__init__(MattecoreNetwork(), load_device=host.torch_device(), offload_device=torch.device("cpu"))

        def loaded_size(self) -> int:
            return dict(engine.module("_core").loaded_networks()).get(self.key, 0) if self.counts else 0

        def model_size(self) -> int:
            return self.loaded_size()

        def current_loaded_device(self) -> Any:
            return self.load_device

        def partially_load(self, *args: Any, **kwargs: Any) -> int:
            return 0  # it is there already

        def partially_unload(self, *args: Any, **kwargs: Any) -> int:
            return 0  # whole or not at all: ComfyUI goes on with detach

        def detach(self, unpatch_all: bool = True) -> Any:
            if unpatch_all:  # else it is only moved to the front of the list
                engine.module("_core").drop_networks(self.key)
            return self.model

    return NetworkPatcher
