"""The "Ultra" family: a network's mask, refined at the edge, as RGBA picture and mask."""

from typing import Any

from . import cutting, engine, networks

_LISTED_METHODS = ("VITMatte", "VITMatte(local)", "PyMatting", "GuidedFilter")
# The last one is what newer versions of the packs write into workflows; the list stays what it was.
_METHODS = (*_LISTED_METHODS, "vitmatte-base-composition-1k")


def _no_such_method(found: str) -> str:
    return f"detail_method is {found!r}; wanted {', '.join(_METHODS[:-1])} or {_METHODS[-1]}"


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
        def edge() -> Any:
            pipeline = engine.module("pipeline")
            return pipeline.ClosedFormEdge(detail_range=detail_range, black_point=black_point, white_point=white_point)

        return cutting.cut_out(image, networks.RMBG, "rmbg_ultra", edge if process_detail else None)


class _EdgeMethodUltra(_Ultra):
    """The two nodes that let the user choose how the edge is refined; they differ in the network alone."""

    _WEIGHTS: tuple[str, ...]
    _RECIPE: str

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        method_list = list(_LISTED_METHODS)
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

    @classmethod
    def VALIDATE_INPUTS(cls, detail_method: str | None) -> bool | str:
        """Lets in what newer versions of the packs have in the list, and says of anything else what there is.

        A linked input is None here, and looked at when it has come.
        """
        return True if detail_method is None or detail_method in _METHODS else _no_such_method(detail_method)

    def _cut_out(
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
        if detail_method not in _METHODS:
            raise ValueError(_no_such_method(detail_method))
        detail_range = detail_erode + detail_dilate
        points = {"black_point": black_point, "white_point": white_point}

        def edge() -> Any:
            pipeline = engine.module("pipeline")
            if detail_method == "GuidedFilter":
                return pipeline.GuidedFilterEdge(detail_range=detail_range // 6 + 1, **points)
            if detail_method == "PyMatting":
                return pipeline.ClosedFormEdge(detail_range=detail_range // 8 + 1, **points)
            base = detail_method == "vitmatte-base-composition-1k"
            network = networks.load(
                networks.VITMATTE_BASE if base else networks.VITMATTE_SMALL,
                cutting.edge_device(device),
                fetch=detail_method != "VITMatte(local)",
            )
            return pipeline.VitmatteEdge(
                network,
                erode_size=detail_erode,
                dilate_size=detail_dilate,
                max_megapixels=max_megapixels,
                **points,
            )

        return cutting.cut_out(image, self._WEIGHTS, self._RECIPE, edge if process_detail else None)


class RmBgUltraV2(_EdgeMethodUltra):
    """`LayerMask: RmBgUltra V2`: RMBG-1.4."""

    FUNCTION = "rmbg_ultra_v2"
    rmbg_ultra_v2 = _EdgeMethodUltra._cut_out
    _WEIGHTS, _RECIPE = networks.RMBG, "rmbg_ultra"


class BiRefNetUltra(_EdgeMethodUltra):
    """`LayerMask: BiRefNetUltra`: BiRefNet."""

    FUNCTION = "birefnet_ultra"
    birefnet_ultra = _EdgeMethodUltra._cut_out
    _WEIGHTS, _RECIPE = networks.BIREFNET, "birefnet_ultra"
