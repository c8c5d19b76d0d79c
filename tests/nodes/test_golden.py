"""The four cut-out nodes against the originals' own results, with the networks replaced by stored outputs in both."""

import numpy as np
import pytest
import torch

V2 = {
    "detail_method": "VITMatte",
    "detail_erode": 6,
    "detail_dilate": 6,
    "black_point": 0.01,
    "white_point": 0.99,
    "process_detail": True,
    "device": "cpu",
    "max_megapixels": 2.0,
}
REMBG = {"detail_range": 8, "black_point": 0.01, "white_point": 0.99, "process_detail": True}
EASY = {"rem_mode": "RMBG-1.4", "image_output": "Hide", "save_prefix": "ComfyUI"}

# File, node, settings that are not the defaults, the share of mask pixels that may be one level off. Where alpha is
# 1 - 1e-7, cutting it to 8 bits takes 254 or 255 by the solver's last bits; OpenCV's guided filter adds in float32, and
# torch's sigmoid rounds by processor.
GOLDENS = [
    ("node_RemBgUltra__00_coffee_f", "LayerMask: RemBgUltra", {**REMBG, "process_detail": False}, 0),
    ("node_RemBgUltra__01_coffee_f", "LayerMask: RemBgUltra", {**REMBG, "detail_range": 3}, 4e-3),
    ("node_RmBgUltraV2__02_coffee_f", "LayerMask: RmBgUltra V2", {**V2, "detail_method": "GuidedFilter"}, 2e-4),
    (
        "node_RmBgUltraV2__03_batch3",
        "LayerMask: RmBgUltra V2",
        {**V2, "detail_method": "PyMatting", "detail_erode": 3, "detail_dilate": 4},
        4e-3,
    ),
    ("node_RmBgUltraV2__04_astro", "LayerMask: RmBgUltra V2", {**V2, "detail_erode": 2, "detail_dilate": 2}, 0),
    ("node_RmBgUltraV2__05_astro", "LayerMask: RmBgUltra V2", {**V2, "process_detail": False}, 0),
    (
        "node_BiRefNetUltra__06_astro",
        "LayerMask: BiRefNetUltra",
        {**V2, "detail_method": "GuidedFilter", "detail_erode": 9, "detail_dilate": 20},
        2e-4,
    ),
    ("node_BiRefNetUltra__07_coffee_f", "LayerMask: BiRefNetUltra", {**V2, "detail_method": "PyMatting"}, 4e-3),
    ("node_BiRefNetUltra__08_coffee_f", "LayerMask: BiRefNetUltra", {**V2, "detail_erode": 2, "detail_dilate": 3}, 0),
    ("node_BiRefNetUltra__09_batch3", "LayerMask: BiRefNetUltra", {**V2, "process_detail": False}, 1e-3),
    ("node_imageRemBg__10_astro", "easy imageRemBg", EASY, 0),
    ("node_imageRemBg__11_batch3", "easy imageRemBg", EASY, 2e-3),
]


@pytest.mark.parametrize(("name", "node_id", "settings", "share"), GOLDENS, ids=[row[0] for row in GOLDENS])
def test_the_original_s_picture(name, node_id, settings, share, pack, networks, golden):
    recorded = golden(name)
    node = pack.NODE_CLASS_MAPPINGS[node_id]
    argument = next(iter(node.INPUT_TYPES()["required"]))
    result = getattr(node(), node.FUNCTION)(**{argument: torch.from_numpy(recorded["in_image"])}, **settings)
    image, mask = result["result"] if isinstance(result, dict) else result
    for tensor, key in ((image, "out_image_u8"), (mask, "out_mask_u8")):
        assert tensor.dtype == torch.float32
        levels = (tensor * 255).round()
        assert torch.equal(levels / 255, tensor)
        off = np.abs(levels.numpy().astype(int) - recorded[key])
        assert off.max() <= 1
        assert (off > 0).mean() <= share
    straight = node_id != "easy imageRemBg"
    assert not straight or np.array_equal((image * 255).round().numpy()[..., :3], recorded["out_image_u8"][..., :3])
