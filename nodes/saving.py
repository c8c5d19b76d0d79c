"""Pictures as PNG files in ComfyUI's folders, as its own SaveImage and PreviewImage write them."""

import json
import os
import random
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
    to_u8, png = engine.module("preprocess").to_u8, engine.module("pictures.png")
    chunks = _metadata(prompt, extra_pnginfo, png.text)
    files = [f"{name.replace('%batch_num%', str(i))}_{counter + i:05}_.png" for i in range(len(images))]
    for image, file in zip(images, files, strict=True):
        with open(os.path.join(folder, file), "wb") as opened:
            png.write(opened, to_u8(image).cpu(), level=_COMPRESS_LEVEL[kind], chunks=chunks)
    return [{"filename": file, "subfolder": subfolder, "type": kind} for file in files]


def _metadata(prompt: Any, extra_pnginfo: Any, text: Any) -> list[Any]:
    if not host.metadata_is_wanted():
        return []
    values = ({} if prompt is None else {"prompt": prompt}) | (extra_pnginfo or {})
    return [text(key, json.dumps(value)) for key, value in values.items()]
