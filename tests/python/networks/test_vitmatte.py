"""VITMatte against transformers at sizes that the goldens do not have."""

from pathlib import Path
from typing import Any

import pytest
import torch

from mattecore.networks import build, load_weights, vitmatte

CONFIG = Path(__file__).parents[2] / "data" / "networks" / "vitmatte_small.config.json"


@pytest.fixture(scope="module")
def small(load: Any) -> Any:
    return load("vitmatte_small")


@pytest.fixture(scope="module")
def reference(small: Any) -> torch.nn.Module:
    transformers = pytest.importorskip("transformers")
    module = transformers.VitMatteForImageMatting(transformers.VitMatteConfig.from_json_file(CONFIG)).eval()
    missing, unexpected = module.load_state_dict(small.weights, strict=False)
    assert not unexpected
    assert all(name.endswith("num_batches_tracked") for name in missing)
    return module


# From one window to several, narrow and tall, and the sizes at which the position tables are used unstretched.
@pytest.mark.parametrize("size", [(32, 32), (224, 224), (96, 480), (544, 32), (512, 512)])
def test_transformers(small: Any, reference: torch.nn.Module, size: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(size[0])
    image = 2 * torch.rand(1, 4, *size, generator=generator) - 1
    seen = small.network.module(image)
    torch.testing.assert_close(seen, reference(image).alphas, rtol=0, atol=small.tolerance)


@pytest.mark.parametrize("rows", [7, 16, 95])
def test_bands_equal_the_whole(small: Any, rows: int) -> None:
    image = small.x[:, :, :96, :64].contiguous()
    decoder = small.network.module.decoder
    features = small.network.module.backbone(image)
    whole = decoder(features, image)
    kept = decoder.band_rows, decoder.band_pixels
    decoder.band_rows, decoder.band_pixels = rows, 1
    bands = decoder(features, image)
    decoder.band_rows, decoder.band_pixels = kept
    torch.testing.assert_close(bands, whole, rtol=0, atol=small.tolerance)


def test_size_is_refused(small: Any) -> None:
    with pytest.raises(ValueError, match="multiples of 16 pixels, not 40 x 32"):
        small.network.module(torch.zeros(1, 4, 32, 40))


def test_names_of_the_original_repository(small: Any) -> None:
    renamed = {original_name(name): tensor for name, tensor in small.weights.items()}
    assert "backbone.blocks.2.attn.rel_pos_h" in renamed
    assert "decoder.fusion_blks.0.conv.bn.running_var" in renamed
    assert {vitmatte.hugging_face_name(name) for name in renamed} == small.weights.keys()
    network = build({name: tensor.shape for name, tensor in renamed.items()})
    assert network.config == small.network.config
    load_weights(network.module, renamed)
    image = small.x[:, :, :64, :32].contiguous()
    assert torch.equal(network.module(image), small.network.module(image))


def original_name(name: str) -> str:
    for ours, theirs in (
        ("backbone.embeddings.position_embeddings", "backbone.pos_embed"),
        ("backbone.embeddings.projection", "backbone.patch_embed.proj"),
        ("backbone.encoder.layer", "backbone.blocks"),
        (".attention.", ".attn."),
        ("fusion_blocks", "fusion_blks"),
        ("batch_norm", "bn"),
    ):
        name = name.replace(ours, theirs)
    return name
