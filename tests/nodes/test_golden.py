"""The four cut-out nodes against the originals' own results, with the networks replaced by stored outputs in both."""

import numpy as np
import pytest
import torch

# File, node, settings that are not the defaults, the share of mask pixels that may be one level off. Where alpha is
# 1 - 1e-7, cutting it to 8 bits takes 254 or 255 by the solver's last bits; OpenCV's guided filter adds in float32, and
# torch's sigmoid rounds by processor.
GOLDENS = [
    ("node_RemBgUltra__00_coffee_f", "LayerMask: RemBgUltra", {"process_detail": False}, 0),
    ("node_RemBgUltra__01_coffee_f", "LayerMask: RemBgUltra", {"detail_range": 3}, 4e-3),
    ("node_RmBgUltraV2__02_coffee_f", "LayerMask: RmBgUltra V2", {"detail_method": "GuidedFilter"}, 2e-4),
    (
        "node_RmBgUltraV2__03_batch3",
        "LayerMask: RmBgUltra V2",
        {"detail_method": "PyMatting", "detail_erode": 3, "detail_dilate": 4},
        4e-3,
    ),
    ("node_RmBgUltraV2__04_astro", "LayerMask: RmBgUltra V2", {"detail_erode": 2, "detail_dilate": 2}, 0),
    ("node_RmBgUltraV2__05_astro", "LayerMask: RmBgUltra V2", {"process_detail": False}, 0),
    (
        "node_BiRefNetUltra__06_astro",
        "LayerMask: BiRefNetUltra",
        {"detail_method": "GuidedFilter", "detail_erode": 9, "detail_dilate": 20},
        2e-4,
    ),
    ("node_BiRefNetUltra__07_coffee_f", "LayerMask: BiRefNetUltra", {"detail_method": "PyMatting"}, 4e-3),
    ("node_BiRefNetUltra__08_coffee_f", "LayerMask: BiRefNetUltra", {"detail_erode": 2, "detail_dilate": 3}, 0),
    ("node_BiRefNetUltra__09_batch3", "LayerMask: BiRefNetUltra", {"process_detail": False}, 1e-3),
    ("node_imageRemBg__10_astro", "easy imageRemBg", {"image_output": "Hide"}, 0),
    ("node_imageRemBg__11_batch3", "easy imageRemBg", {"image_output": "Hide"}, 2e-3),
]


@pytest.mark.parametrize(("name", "node_id", "settings", "share"), GOLDENS, ids=[row[0] for row in GOLDENS])
def test_the_original_s_picture(name, node_id, settings, share, run, golden):
    recorded = golden(name)
    image, mask = run(node_id, torch.from_numpy(recorded["in_image"]), **settings)
    for tensor, key in ((image, "out_image_u8"), (mask, "out_mask_u8")):
        assert tensor.dtype == torch.float32
        levels = (tensor * 255).round()
        assert torch.equal(levels / 255, tensor)
        off = np.abs(levels.numpy().astype(int) - recorded[key])
        assert off.max() <= 1
        assert (off > 0).mean() <= share
    straight = node_id != "easy imageRemBg"
    assert not straight or np.array_equal((image * 255).round().numpy()[..., :3], recorded["out_image_u8"][..., :3])
