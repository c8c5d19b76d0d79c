"""8-bit conversion, colours and resizing against numpy, Pillow, torch and the originals."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mattecore import preprocess

FILTERS = ("nearest", "box", "bilinear", "hamming", "bicubic", "lanczos")
FLOATS = (torch.float32, torch.float64, torch.float16, torch.bfloat16)


def bytes_of(generator: torch.Generator, *shape: int) -> torch.Tensor:
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)


# --- to_u8, from_u8


def tensor2pil(values: np.ndarray) -> np.ndarray:
    """The originals' line, with NaN, which they leave to the processor, made 0."""
    with np.errstate(invalid="ignore", over="ignore"):
        return np.clip(np.nan_to_num(255.0 * values, nan=0.0, posinf=255, neginf=0), 0, 255).astype(np.uint8)


def values_of(generator: torch.Generator, dtype: torch.dtype, *shape: int) -> torch.Tensor:
    """Mostly 0..1, every k/255, some beyond, infinite or NaN."""
    values = torch.rand(shape, generator=generator, dtype=torch.float64) * 1.2 - 0.1
    flat = values.view(-1)
    odd = [*(k / 255 for k in range(256)), np.nan, np.inf, -np.inf, -0.0, 1e30, -1e30, 1e-30]
    flat[: len(odd)] = torch.tensor(odd, dtype=torch.float64)[: flat.numel()]
    return flat[torch.randperm(flat.numel(), generator=generator)].view(shape).to(dtype)


@pytest.mark.parametrize(
    "shape", [(2, 9, 33, 1), (2, 9, 33, 3), (2, 9, 33, 4), (19, 33, 3), (3, 19, 33), (19, 33)], ids=str
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16])
def test_to_u8_is_numpys_tensor2pil(shape, dtype, device, random):
    image = values_of(random, dtype, *shape)
    result = preprocess.to_u8(image.to(device))
    assert result.device.type == device
    assert result.is_contiguous()
    np.testing.assert_array_equal(result.cpu().numpy(), tensor2pil(image.numpy()))


def test_to_u8_rounds_bfloat16_as_torch_multiplies_it(device):
    """Numpy has no bfloat16. Every pattern there is."""
    image = torch.arange(65536, dtype=torch.int32).to(torch.uint16).view(torch.bfloat16).view(256, 256)
    product = (image * 255).float()
    wanted = product.nan_to_num(0, 255, 0).clamp(0, 255).to(torch.uint8)
    assert torch.equal(preprocess.to_u8(image.to(device)).cpu(), wanted)


def test_to_u8_of_every_half_is_numpys(device):
    image = torch.arange(65536, dtype=torch.int32).to(torch.uint16).view(torch.float16).view(256, 256)
    np.testing.assert_array_equal(preprocess.to_u8(image.to(device)).cpu().numpy(), tensor2pil(image.numpy()))


@pytest.mark.parametrize("shape", [(1, 16, 16, 1), (2, 16, 8), (16, 16), (1, 8, 32), (64, 1, 4), (1, 8, 8, 4)], ids=str)
def test_from_u8_divides_and_to_u8_gives_back(shape, device):
    image = torch.arange(256, dtype=torch.uint8).view(shape)
    result = preprocess.from_u8(image.to(device))
    np.testing.assert_array_equal(result.cpu().numpy(), image.numpy().astype(np.float32) / 255)
    assert torch.equal(preprocess.to_u8(result).cpu(), image)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_conversions_take_any_strides_on_any_device(dtype, channels, device, random):
    planes = values_of(random, dtype, 2, channels, 17, 45).to(device)
    image = planes.permute(0, 2, 3, 1)[:, ::2, 3::3]
    assert not image.is_contiguous()
    eight_bit = preprocess.to_u8(image)
    assert torch.equal(eight_bit, preprocess.to_u8(image.contiguous()))
    other = eight_bit.permute(0, 2, 1, 3)[:, 1:]
    assert torch.equal(preprocess.from_u8(other), preprocess.from_u8(other.contiguous()))


@pytest.mark.parametrize("name", ["tensor2pil__rgb", "tensor2pil__mask", "tensor2pil__rgba"])
def test_to_u8_is_the_originals(name, golden):
    recorded = golden(name)
    result = preprocess.to_u8(torch.from_numpy(recorded["in_x"]))
    np.testing.assert_array_equal(result[0].numpy(), recorded["out_out"])


@pytest.mark.parametrize("name", ["pil2tensor__rgb", "pil2tensor__l"])
def test_from_u8_is_the_originals(name, golden):
    recorded = golden(name)
    result = preprocess.from_u8(torch.from_numpy(recorded["in_u8"]))
    np.testing.assert_array_equal(result[None].numpy(), recorded["out_out"])


# --- colours


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB"), (4, "RGBA")])
def test_colours_are_pillows_convert(channels, mode, random):
    image = bytes_of(random, 61, 47, channels)
    picture = Image.fromarray(image.squeeze(-1).numpy(), mode)
    np.testing.assert_array_equal(preprocess.to_rgb(image).numpy(), np.asarray(picture.convert("RGB")))
    np.testing.assert_array_equal(preprocess.luma(image).numpy(), np.asarray(picture.convert("L")))


def test_to_rgb_drops_alpha_as_the_originals_do(golden):
    recorded = golden("to_rgb__rgba")
    result = preprocess.to_rgb(preprocess.to_u8(torch.from_numpy(recorded["in_x"])))
    np.testing.assert_array_equal(result[0].numpy(), recorded["out_out"])


@pytest.mark.parametrize("name", ["to_rgb__row", "to_rgb__column", "to_rgb__one", "to_rgb__row_rgba"])
def test_pictures_one_pixel_wide_keep_their_size_where_the_originals_do_not(name, golden):
    """The originals squeeze axes of size 1 away, so a row of colours becomes a grey picture 3 wide."""
    recorded = golden(name)
    image = torch.from_numpy(recorded["in_x"])
    result = preprocess.to_rgb(preprocess.to_u8(image))[0]
    assert result.shape == (*image.shape[1:3], 3)
    assert result.shape != recorded["out_out"].shape
    # The same numbers are in both: the originals' columns are our channels.
    channels = recorded["out_out"][:, :, 0].reshape(image.shape[1:])
    np.testing.assert_array_equal(result.numpy(), channels[:, :, :3])


# --- resize


def pillow_resize(image: torch.Tensor, height: int, width: int, name: str) -> np.ndarray:
    mode = {1: "L", 3: "RGB", 4: "RGBA"}[image.shape[2]]
    picture = Image.fromarray(image.squeeze(-1).numpy() if mode == "L" else image.numpy(), mode)
    resized = np.asarray(picture.resize((width, height), getattr(Image.Resampling, name.upper())))
    return resized.reshape(height, width, image.shape[2])


def assert_pillows(image: torch.Tensor, height: int, width: int, name: str) -> None:
    np.testing.assert_array_equal(
        preprocess.resize(image, height, width, name).numpy(),
        pillow_resize(image, height, width, name),
        err_msg=f"{tuple(image.shape)} to {height} x {width}, {name}",
    )


sides = st.one_of(st.integers(1, 12), st.integers(1, 160))
contents = st.sampled_from(["noise", "black and white", "ramp"])


def picture(content: str, seed: int, height: int, width: int, channels: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    noise = bytes_of(generator, height, width, channels)
    if content == "black and white":  # filters that overshoot are clipped at every edge
        return (noise > 127).to(torch.uint8) * 255
    if content == "ramp":
        return (torch.arange(height * width * channels) * 3 % 256).to(torch.uint8).view(height, width, channels)
    return noise


@pytest.mark.parametrize("name", FILTERS)
@settings(max_examples=120, deadline=None)
@given(
    height=sides,
    width=sides,
    to_height=sides,
    to_width=sides,
    channels=st.sampled_from([1, 3, 4]),
    content=contents,
    seed=st.integers(0, 2**32 - 1),
)
def test_resize_is_pillows_at_any_size(name, height, width, to_height, to_width, channels, content, seed):
    assert_pillows(picture(content, seed, height, width, channels), to_height, to_width, name)


@pytest.mark.parametrize("name", FILTERS)
@settings(max_examples=30, deadline=None)
@given(
    width=st.integers(1, 6),
    extra=st.integers(-2, 300),
    to_height=st.integers(1, 400),
    to_width=sides,
    channels=st.sampled_from([1, 3, 4]),
    seed=st.integers(0, 2**32 - 1),
)
def test_resize_keeps_pillows_order_of_passes_for_tall_pictures(
    name, width, extra, to_height, to_width, channels, seed
):
    """Over 100 times as high as wide, Pillow begins with the rows; 100 times and less, with the columns."""
    assert_pillows(picture("noise", seed, 100 * width + extra, width, channels), to_height, to_width, name)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("name", FILTERS)
def test_resize_is_pillows_at_the_sizes_of_photographs(name, channels, random):
    photograph = bytes_of(random, 900, 1201, channels)
    assert_pillows(photograph, 512, 512, name)
    assert_pillows(photograph[:120, :151].contiguous(), 1024, 1024, name)
    assert_pillows(photograph[:64].contiguous(), 64, 100, name)  # shrinking by 12: beyond the neighbouring vector
    assert_pillows(photograph, 1, 1201, name)


@pytest.mark.parametrize("name", FILTERS)
def test_resize_works_in_strips_as_in_one_piece(name, random):
    """2100 rows of RGB into one: more than a thread keeps at a time."""
    assert_pillows(bytes_of(random, 2100, 900, 3), 1, 777, name)
    assert_pillows(bytes_of(random, 200_000, 1, 1), 3, 1, name)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("120x150_to_1024x1024_c3", (1024, 1024)),
        ("97x141_to_1024x1024_c3", (1024, 1024)),
        ("90x100_to_33x40_c1", (33, 40)),
        ("64x300_to_40x60_c3", (40, 60)),
        ("17x23_to_64x50_c1", (64, 50)),
    ],
)
def test_resize_is_the_originals(name, size, golden):
    recorded = golden(f"pil_resize__{name}")
    image = torch.from_numpy(recorded["in_u8"])
    result = preprocess.resize(image if image.dim() == 3 else image[..., None], *size)
    wanted = torch.from_numpy(recorded["out_u8"])
    assert torch.equal(result[torch.from_numpy(recorded["in_rows"])].squeeze(-1), wanted)


def test_resize_takes_bilinear_unless_told_otherwise(random):
    image = bytes_of(random, 20, 30, 3)
    assert torch.equal(preprocess.resize(image, 7, 9), preprocess.resize(image, 7, 9, "bilinear"))
    results = [preprocess.resize(image, 7, 9, name) for name in FILTERS]
    assert not any(torch.equal(a, b) for a, b in itertools.combinations(results, 2))


# --- interpolate


def torch_interpolate(image: torch.Tensor, height: int, width: int, align_corners: bool) -> torch.Tensor:
    planes = image.float().permute(0, 3, 1, 2).contiguous()
    return torch.nn.functional.interpolate(
        planes, (height, width), mode="bilinear", align_corners=align_corners
    ).permute(0, 2, 3, 1)


def ulps(a: torch.Tensor, b: torch.Tensor) -> int:
    """How many floats lie between a and b, at most. Both are at least 0."""
    return int((a.contiguous().view(torch.int32).long() - b.contiguous().view(torch.int32).long()).abs().max())


@pytest.mark.parametrize("align_corners", [False, True])
@settings(max_examples=150, deadline=None)
@given(
    height=sides,
    width=sides,
    to_height=sides,
    to_width=sides,
    channels=st.sampled_from([1, 3, 4]),
    scale=st.sampled_from([1, 255]),
    seed=st.integers(0, 2**32 - 1),
)
def test_interpolate_is_torchs_to_the_last_roundings(
    align_corners, height, width, to_height, to_width, channels, scale, seed
):
    """The weights are torch's. Torch has several kernels, chosen by size and layout, which add the four products in
    different orders, with fused multiply-adds or without: three roundings on either side.
    """
    image = torch.rand(2, height, width, channels, generator=torch.Generator().manual_seed(seed)) * scale
    result = preprocess.interpolate(image, to_height, to_width, align_corners)
    wanted = torch_interpolate(image, to_height, to_width, align_corners)
    assert ulps(result, wanted) <= 4


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("sizes", [(1024, 1024, 777, 1201), (120, 150, 1024, 1024), (1024, 1024, 1, 999)], ids=str)
def test_interpolate_is_torchs_at_the_sizes_of_networks(sizes, align_corners, random):
    height, width, to_height, to_width = sizes
    mask = torch.rand(1, height, width, generator=random)
    result = preprocess.interpolate(mask, to_height, to_width, align_corners)
    wanted = torch_interpolate(mask[..., None], to_height, to_width, align_corners)[..., 0]
    limit = 0 if torch.backends.cpu.get_cpu_capability() in ("AVX2", "AVX512") else 4
    assert ulps(result, wanted) <= limit


@pytest.mark.parametrize("align_corners", [False, True])
def test_interpolate_reads_bytes_as_0_to_255(align_corners, random):
    image = bytes_of(random, 2, 21, 34, 3)
    result = preprocess.interpolate(image, 50, 13, align_corners)
    assert torch.equal(result, preprocess.interpolate(image.float(), 50, 13, align_corners))
    assert result.max() > 1


def test_interpolate_takes_half_pixels_unless_told_otherwise(random):
    mask = torch.rand(1, 5, 7, generator=random)
    assert torch.equal(preprocess.interpolate(mask, 9, 9), preprocess.interpolate(mask, 9, 9, align_corners=False))
    assert not torch.equal(preprocess.interpolate(mask, 9, 9), preprocess.interpolate(mask, 9, 9, align_corners=True))


def test_interpolate_keeps_the_axes_it_was_given(random):
    mask = torch.rand(3, 5, 7, generator=random)
    assert preprocess.interpolate(mask, 9, 8).shape == (3, 9, 8)
    assert torch.equal(preprocess.interpolate(mask[0], 9, 8), preprocess.interpolate(mask, 9, 8)[0])


# --- the networks' inputs of the originals


@pytest.mark.parametrize("name", ["astro", "coffee_f"])
def test_easy_imageRemBg_input(name, golden):  # noqa: N802 (the node's name)
    """LayerStyle's peer resizes 0..255 without antialiasing and cuts. Off by one step in fewer than 1e-4 of the values:
    the recorded torch chose another order of additions (see above), and cutting makes a step of it.
    """
    recorded = golden(f"easy_preprocess__{name}")
    image = torch.from_numpy(recorded["in_u8"])[None]
    network_input = preprocess.interpolate(image, 1024, 1024)[0].to(torch.uint8)
    rows = network_input[torch.from_numpy(recorded["in_rows"])].permute(2, 0, 1)
    assert_steps(rows, recorded["out_u8"], 1e-4)


@pytest.mark.parametrize("name", ["astro", "coffee_f"])
def test_birefnet_input(name, golden):
    """cv2's bilinear resize of 0..1, then 8 bits. One step in fewer than 1e-4: cv2 rounds its weights otherwise."""
    recorded = golden(f"birefnet_processor__{name}")
    eight_bit = preprocess.to_rgb(preprocess.to_u8(torch.from_numpy(recorded["in_image"])))
    resized = preprocess.interpolate(preprocess.from_u8(eight_bit)[None], 1024, 1024)
    rows = preprocess.to_u8(resized)[0, torch.from_numpy(recorded["in_rows"])].permute(2, 0, 1)
    assert_steps(rows, recorded["out_u8"], 1e-4)


def assert_steps(result: torch.Tensor, wanted: np.ndarray, share: float) -> None:
    """Nowhere more than one 8-bit step off, and off in less than the share of all values."""
    off = np.abs(result.numpy().astype(int) - wanted.astype(int))
    assert off.max() <= 1
    assert (off > 0).mean() < share
