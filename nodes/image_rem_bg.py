"""`easy imageRemBg`: a soft cut-out on transparent black, shown and saved by the node itself."""

from typing import Any

from . import engine


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
                "image_output": (["Hide", "Preview", "Save", "Hide/Save"], {"default": "Preview"}),
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
        return engine.run(
            "ImageRemBg",
            rem_mode=rem_mode,
            images=images,
            image_output=image_output,
            save_prefix=save_prefix,
            prompt=prompt,
            extra_pnginfo=extra_pnginfo,
        )
