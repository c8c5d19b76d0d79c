"""Pictures as PNG files in ComfyUI's folders, as its own SaveImage and PreviewImage write them."""

import json
import os
import random
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Literal

from . import engine, host

if TYPE_CHECKING:
    from torch import Tensor

Kind = Literal["output", "temp"]

_COMPRESS_LEVEL = {"output": 4, "temp": 1}
_LETTERS = "abcdefghijklmnopqrstupvxyz"  # ComfyUI's own, for temporary names


def save(images: "Tensor", prefix: str, kind: Kind, prompt: Any, extra_pnginfo: Any) -> list[dict[str, str]]:
    """Writes pictures ``[B,H,W,4]`` and returns what the editor needs to show them.

    Names, subfolders and what may stand in ``prefix`` are ComfyUI's; so is the refusal of folders outside its own.
    """
    folder_paths = host.folder_paths()
    if folder_paths is None:
        raise RuntimeError("there is no ComfyUI whose folders pictures could be saved in; choose image_output Hide")
    if kind == "temp":
        prefix += "_temp_" + "".join(random.choice(_LETTERS) for _ in range(5))
        root = folder_paths.get_temp_directory()
    else:
        root = folder_paths.get_output_directory()
    height, width = images.shape[1:3]
    folder, name, counter, subfolder, _ = folder_paths.get_save_image_path(prefix, root, width, height)
    bytes_of = engine.module("preprocess").to_u8
    metadata = _metadata(prompt, extra_pnginfo)
    files = [f"{name.replace('%batch_num%', str(i))}_{counter + i:05}_.png" for i in range(len(images))]

    def write(index: int) -> None:
        _write(bytes_of(images[index]).cpu(), os.path.join(folder, files[index]), _COMPRESS_LEVEL[kind], metadata)

    # Pillow's encoder lets other threads run.
    with ThreadPoolExecutor(min(len(files), os.cpu_count() or 1)) as pool:
        list(pool.map(write, range(len(files))))
    return [{"filename": file, "subfolder": subfolder, "type": kind} for file in files]


def _metadata(prompt: Any, extra_pnginfo: Any) -> Any:
    from PIL.PngImagePlugin import PngInfo

    if not host.metadata_is_wanted():
        return None
    metadata = PngInfo()
    if prompt is not None:
        metadata.add_text("prompt", json.dumps(prompt))
    for key, value in (extra_pnginfo or {}).items():
        metadata.add_text(key, json.dumps(value))
    return metadata


def _write(pixels: "Tensor", path: str, compress_level: int, metadata: Any) -> None:
    from PIL import Image

    Image.fromarray(pixels.numpy()).save(path, pnginfo=metadata, compress_level=compress_level)
