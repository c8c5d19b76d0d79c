"""The "Ultra" family: a network's mask, refined at the edge, as RGBA picture and mask."""

from typing import Any

from . import engine


class _Ultra:
    """What the family has in common. Inputs stay as in the original packs: saved workflows hold values by position."""

    RETURN_TYPES = ("IMAGE", "MASK")
    RETURN_NAMES = ("image", "mask")
    CATEGORY = "😺dzNodes/LayerMask"


class RemBgUltra(_Ultra):
    """`LayerMask: RemBgUltra`: RMBG-1.4, edge by closed-form matting."""

    FUNCTION = "rembg_ultra"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "image": ("IMAGE",),
                "detail_range": ("INT", {"default": 8, "min": 1, "max": 256, "step": 1}),
                "black_point": ("FLOAT", {"default": 0.01, "min": 0.01, "max": 0.98, "step": 0.01}),
                "white_point": ("FLOAT", {"default": 0.99, "min": 0.02, "max": 0.99, "step": 0.01}),
                "process_detail": ("BOOLEAN", {"default": True}),
            },
            "optional": {},
        }

    def rembg_ultra(
        self, image: Any, detail_range: int, black_point: float, white_point: float, process_detail: bool, **kwargs: Any
    ) -> Any:
        return engine.run(
            "RemBgUltra",
            image=image,
            detail_range=detail_range,
            black_point=black_point,
            white_point=white_point,
            process_detail=process_detail,
        )


class _EdgeMethodUltra(_Ultra):
    """The two nodes that let the user choose how the edge is refined; they differ in the network alone."""

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        method_list = ["VITMatte", "VITMatte(local)", "PyMatting", "GuidedFilter"]
        device_list = ["cuda", "cpu"]
        slider = {"step": 0.01, "display": "slider"}
        return {
            "required": {
                "image": ("IMAGE",),
                "detail_method": (method_list,),
                "detail_erode": ("INT", {"default": 6, "min": 1, "max": 255, "step": 1}),
                "detail_dilate": ("INT", {"default": 6, "min": 1, "max": 255, "step": 1}),
                "black_point": ("FLOAT", {"default": 0.01, "min": 0.01, "max": 0.98, **slider}),
                "white_point": ("FLOAT", {"default": 0.99, "min": 0.02, "max": 0.99, **slider}),
                "process_detail": ("BOOLEAN", {"default": True}),
                "device": (device_list,),
                "max_megapixels": ("FLOAT", {"default": 2.0, "min": 1, "max": 999, "step": 0.1}),
            },
            "optional": {},
        }

    def _run(
        self,
        image: Any,
        detail_method: str,
        detail_erode: int,
        detail_dilate: int,
        black_point: float,
        white_point: float,
        process_detail: bool,
        device: str,
        max_megapixels: float,
        **kwargs: Any,
    ) -> Any:
        return engine.run(
            type(self).__name__,
            image=image,
            detail_method=detail_method,
            detail_erode=detail_erode,
            detail_dilate=detail_dilate,
            black_point=black_point,
            white_point=white_point,
            process_detail=process_detail,
            device=device,
            max_megapixels=max_megapixels,
        )


class RmBgUltraV2(_EdgeMethodUltra):
    """`LayerMask: RmBgUltra V2`: RMBG-1.4."""

    FUNCTION = "rmbg_ultra_v2"
    rmbg_ultra_v2 = _EdgeMethodUltra._run


class BiRefNetUltra(_EdgeMethodUltra):
    """`LayerMask: BiRefNetUltra`: BiRefNet."""

    FUNCTION = "birefnet_ultra"
    birefnet_ultra = _EdgeMethodUltra._run
