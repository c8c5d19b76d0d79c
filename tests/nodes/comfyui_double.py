"""A double of ComfyUI 0.3.64, as large as the cut-out nodes' contract with it: folders, memory, progress, interrupt."""

import os
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import torch


class InterruptProcessingException(Exception):  # noqa: N818, ComfyUI's name
    pass


class ModelPatcher:
    """The part of the real one that its memory manager uses."""

    def __init__(self, model, load_device, offload_device, size=0):
        self.model, self.load_device, self.offload_device, self.parent = model, load_device, offload_device, None
        self.model_size()

    def is_clone(self, other):
        return self.model is other.model


class ComfyUI:
    """The modules under their names in ``modules``; what a test looks at or sets is in the attributes."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.loaded, self.bars, self.interrupt_at, self.asked = [], [], None, 0
        self.disable_metadata = False
        self.device = self.intermediate = torch.device("cpu")
        self.on_startup = []
        for name in ("custom_nodes", "models", "output", "temp"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self.pages = {}
        routes = SimpleNamespace(get=lambda path: lambda answer: self.pages.update({path: answer}))
        server = SimpleNamespace(app=SimpleNamespace(on_startup=self.on_startup), routes=routes)
        self.modules = {
            "nodes": module(NODE_CLASS_MAPPINGS={}, NODE_DISPLAY_NAME_MAPPINGS={}, MAX_RESOLUTION=8192),
            "folder_paths": module(
                models_dir=str(folder / "models"),
                folder_names_and_paths={"custom_nodes": ([str(folder / "custom_nodes")], set())},
                get_folder_paths=lambda key: self.modules["folder_paths"].folder_names_and_paths[key][0],
                get_output_directory=lambda: str(folder / "output"),
                get_temp_directory=lambda: str(folder / "temp"),
                get_save_image_path=get_save_image_path,
            ),
            "comfy.model_management": module(
                get_torch_device=lambda: self.device,
                intermediate_device=lambda: self.intermediate,
                throw_exception_if_processing_interrupted=self._throw_if_interrupted,
                load_models_gpu=self._load,
                unload_all_models=self._unload_all,
                soft_empty_cache=lambda: None,
                InterruptProcessingException=InterruptProcessingException,
            ),
            "comfy.model_patcher": module(ModelPatcher=ModelPatcher),
            "comfy.utils": module(ProgressBar=self._bar),
            "comfy.cli_args": module(args=SimpleNamespace(disable_metadata=False)),
            "server": module(PromptServer=SimpleNamespace(instance=server)),
            "aiohttp.web": module(FileResponse=lambda file: Path(file).read_text(encoding="utf-8")),
        }

    def _throw_if_interrupted(self):
        self.asked += 1
        if self.interrupt_at is not None and self.asked >= self.interrupt_at:
            raise InterruptProcessingException()

    def _load(self, patchers):
        for patcher in patchers:
            if patcher in self.loaded:
                self.loaded.remove(patcher)
                patcher.detach(unpatch_all=False)
            patcher.partially_load(patcher.load_device, 1e32)
            self.loaded.insert(0, patcher)

    def _unload_all(self):
        for patcher in [patcher for patcher in self.loaded if patcher.load_device == self.device]:
            patcher.detach(True)
            self.loaded.remove(patcher)

    def _bar(self, total):
        bar = SimpleNamespace(total=total, updates=[])
        bar.update_absolute = lambda value, total, preview=None: bar.updates.append((value, total, preview))
        self.bars.append(bar)
        return bar


def module(**names) -> ModuleType:
    made = ModuleType("double")
    vars(made).update(names)
    return made


def get_save_image_path(prefix, output, width=0, height=0):
    """ComfyUI's rules: tokens, subfolders, the next free number, no way out of the folder."""
    prefix = prefix.replace("%width%", str(width)).replace("%height%", str(height))
    subfolder, name = os.path.split(os.path.normpath(prefix))
    folder = os.path.join(output, subfolder)
    if os.path.commonpath((output, os.path.abspath(folder))) != output:
        raise Exception("Saving image outside the output folder is not allowed.")
    os.makedirs(folder, exist_ok=True)
    taken = [file[len(name) + 1 :].split("_")[0] for file in os.listdir(folder) if file.startswith(f"{name}_")]
    return folder, name, max([int(number) for number in taken if number.isdigit()], default=0) + 1, subfolder, prefix


def installed(folder: Path, monkeypatch) -> ComfyUI:
    """A ComfyUI in this process for the length of a test."""
    comfyui = ComfyUI(folder)
    for name, double in comfyui.modules.items():
        monkeypatch.setitem(sys.modules, name, double)
    return comfyui
