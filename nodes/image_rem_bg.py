"""`easy imageRemBg`: a soft cut-out on transparent black, shown and saved by the node itself."""

from typing import Any

from . import cutting, networks, saving

# The seed's mode, and the one of newer versions that there are weights for.
_MODES: dict[str, tuple[tuple[str, ...], str]] = {
    "RMBG-1.4": (networks.RMBG, "image_rem_bg"),
    "RMBG-2.0": (networks.RMBG_2, "image_rem_bg_2"),
}

# Into which folder, under which prefix where not the user's, and whether the editor shows it.
_OUTPUTS: dict[str, tuple[saving.Kind | None, str | None, bool]] = {
    "Hide": (None, None, False),
    "Preview": ("temp", "easyPreview", True),
    "Save": ("output", None, True),
    "Hide/Save": ("output", None, False),
}


class ImageRemBg:
    """`easy imageRemBg`: RMBG-1.4 without refinement.

    Another pack calls ``remove("RMBG-1.4", images, "Hide", "ComfyUI")`` by position and reads ``["result"]`` of what it
    returns, so the first four parameters keep their order.
    """

    RETURN_TYPES = ("IMAGE", "MASK")
    RETURN_NAMES = ("image", "mask")
    FUNCTION = "remove"
    OUTPUT_NODE = True
    CATEGORY = "EasyUse/Image"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "images": ("IMAGE",),
                # A tuple, as in the original: ComfyUI checks membership of lists alone, so the modes that newer
                # versions of the pack write into workflows reach the node, which can answer for itself.
                "rem_mode": (("RMBG-1.4",),),
                "image_output": (list(_OUTPUTS), {"default": "Preview"}),
                "save_prefix": ("STRING", {"default": "ComfyUI"}),
            },
            "hidden": {"prompt": "PROMPT", "extra_pnginfo": "EXTRA_PNGINFO"},
        }

    def remove(
        self,
        rem_mode: str,
        images: Any,
        image_output: str,
        save_prefix: str,
        prompt: Any = None,
        extra_pnginfo: Any = None,
        **kwargs: Any,
    ) -> Any:
        if rem_mode not in _MODES:
            raise ValueError(
                f"rem_mode is {rem_mode!r}, which mattecore does not have; wanted {' or '.join(_MODES)}, "
                "or the node of another pack for it"
            )
        if image_output not in _OUTPUTS:
            raise ValueError(f"image_output is {image_output!r}; wanted {', '.join(_OUTPUTS)}")
        weights, recipe = _MODES[rem_mode]
        result = cutting.cut_out(images, weights, recipe)
        kind, prefix, shown = _OUTPUTS[image_output]
        if kind is None:
            return {"ui": {}, "result": result}
        files = saving.save(result[0], prefix or save_prefix, kind, prompt, extra_pnginfo)
        return {"ui": {"images": files} if shown else {}, "result": result}
