"""Our convolution and linear map against torch's, with everything that goes into the same pass."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from mattecore import _native

core = _native.load()
operators = torch.ops.mattecore

ACTIVATIONS = {0: lambda x: x, 1: functional.relu, 2: functional.gelu, 3: torch.sigmoid}  # by their number
NATIVE_BF16 = pytest.mark.skipif(not core.multiplies_bf16(), reason="this processor does not multiply bf16")
# Arithmetics by their number, and the type of the maps.
FLOAT32, BF16, SPLIT = 0, 1, 2
DTYPE = {FLOAT32: torch.float32, BF16: torch.bfloat16, SPLIT: torch.float32}
ARITHMETICS = [FLOAT32, *(pytest.param(arithmetic, marks=NATIVE_BF16) for arithmetic in (BF16, SPLIT))]

# float32: sums in another order. bf16: the inputs are exact in it, so the one rounding of the result is left, half a
# unit in the eighth binary place. split: the product of two low parts is left out, a sixteenth place of each of up to
# 6000 terms, whose signs vary.
TOLERANCE = {FLOAT32: 1e-5, BF16: 2.0**-8, SPLIT: 1e-4}


def random(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    x = torch.randn(shape, dtype=torch.float32).to(dtype)
    return x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x


def assert_close(found: Tensor, wanted: Tensor, arithmetic: int) -> None:
    torch.testing.assert_close(found.float(), wanted, rtol=TOLERANCE[arithmetic], atol=TOLERANCE[arithmetic])


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    channels=st.sampled_from([1, 2, 3, 6, 16, 31, 64, 130]),
    skip=st.sampled_from([0, 0, 1, 16, 64]),
    outputs=st.sampled_from([1, 5, 16, 48, 64, 97]),
    kernel=st.sampled_from([1, 3, 4, 7]),
    stride=st.sampled_from([1, 1, 2, 4]),
    dilation=st.sampled_from([1, 1, 2, 5]),
    activation=st.sampled_from(sorted(ACTIVATIONS)),
    has_residual=st.booleans(),
    wants_float=st.booleans(),
)
def test_conv2d(
    arithmetic: int,
    seed: int,
    size: tuple[int, int],
    channels: int,
    skip: int,
    outputs: int,
    kernel: int,
    stride: int,
    dilation: int,
    activation: int,
    has_residual: bool,
    wants_float: bool,
) -> None:
    torch.manual_seed(seed)
    dtype = DTYPE[arithmetic]
    reach, padding = dilation * (kernel - 1) + 1, dilation * (kernel // 2)
    height, width = (max(side, reach - 2 * padding) for side in size)
    x = random(2, channels, height, width, dtype=dtype)
    beside = random(2, skip, 2 * height - 1, width + 3, dtype=dtype) if skip else None
    weight = (torch.randn(outputs, channels + skip, kernel, kernel) / (kernel * (channels + skip) ** 0.5)).to(dtype)
    bias = torch.randn(outputs)

    whole = x.float()
    if beside is not None:  # what is stretched is rounded to the type before it is multiplied
        stretched = functional.interpolate(whole, size=beside.shape[2:], mode="bilinear").to(dtype)
        whole = torch.cat((stretched, beside), 1).float()
    wanted = ACTIVATIONS[activation](
        functional.conv2d(whole, weight.float(), bias, stride=stride, padding=padding, dilation=dilation)
    )
    residual = random(*wanted.shape, dtype=dtype) if has_residual else None
    if residual is not None:
        wanted = wanted + residual.float()

    packed = operators.pack_conv2d(weight.float(), stride, dilation, arithmetic)
    found = operators.conv2d(
        x, beside, packed, bias, [kernel, kernel], stride, padding, dilation, activation, residual, wants_float
    )
    assert found.dtype == (torch.float32 if wants_float else dtype)
    if beside is not None and dtype == torch.bfloat16:
        # Halves may round to the other side where our stretching sums in another order: a unit for a few of the inputs.
        torch.testing.assert_close(found.float(), wanted, rtol=2.0**-6, atol=2.0**-6)
    else:
        assert_close(found, wanted, arithmetic)


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    shape=st.lists(st.integers(1, 20), min_size=1, max_size=3),
    inputs=st.sampled_from([1, 3, 32, 40, 96, 384]),
    outputs=st.sampled_from([1, 16, 80, 96, 130]),
    activation=st.sampled_from(sorted(ACTIVATIONS)),
    has_norm=st.booleans(),
    has_residual=st.booleans(),
)
def test_linear(
    arithmetic: int,
    seed: int,
    shape: list[int],
    inputs: int,
    outputs: int,
    activation: int,
    has_norm: bool,
    has_residual: bool,
) -> None:
    torch.manual_seed(seed)
    dtype = DTYPE[arithmetic]
    x = random(*shape, inputs, dtype=dtype)
    weight, bias = (torch.randn(outputs, inputs) / inputs**0.5).to(dtype), torch.randn(outputs)
    norm_weight, norm_bias = torch.rand(inputs) + 0.5, torch.randn(inputs)
    normed = x.float()
    if has_norm:
        normed = functional.layer_norm(normed, (inputs,), norm_weight, norm_bias, 1e-5).to(dtype).float()
    wanted = ACTIVATIONS[activation](functional.linear(normed, weight.float(), bias))
    residual = random(*wanted.shape, dtype=dtype) if has_residual else None
    if residual is not None:
        wanted = wanted + residual.float()
    found = operators.linear(
        x,
        norm_weight if has_norm else None,
        norm_bias if has_norm else None,
        1e-5,
        operators.pack_linear(weight.float(), arithmetic),
        bias,
        activation,
        residual,
    )
    if has_norm and dtype == torch.bfloat16:  # as above: a normalised value on the border of two
        torch.testing.assert_close(found.float(), wanted, rtol=2.0**-5, atol=2.0**-5)
    elif has_norm and arithmetic == FLOAT32:  # values that nearly agree are stretched, and their last places with them
        stretch = (x.var(-1, correction=0) + 1e-5).rsqrt().max().clamp(1, 10).item()
        torch.testing.assert_close(found, wanted, rtol=TOLERANCE[FLOAT32] * stretch, atol=TOLERANCE[FLOAT32] * stretch)
    else:
        assert_close(found, wanted, arithmetic)


def test_gelu_is_exact_far_out() -> None:
    x = torch.linspace(-9, 9, 1801).unsqueeze(1)
    packed = operators.pack_linear(torch.ones(1, 1), FLOAT32)
    found = operators.linear(x, None, None, 0.0, packed, torch.zeros(1), 2, None)
    wanted = functional.gelu(x.double()).float()
    torch.testing.assert_close(found, wanted, rtol=0, atol=2e-6)  # 1.5e-7, and the values' own last place


def test_linear_reads_no_more_than_its_input() -> None:
    """Forty values a row are less than the matrix unit takes at once; what it reads after the last row is not ours."""
    memory = torch.full((64 * 40 + 64,), torch.nan, dtype=torch.bfloat16 if core.multiplies_bf16() else torch.float32)
    x = memory[: 64 * 40].view(64, 40).normal_()
    packed = operators.pack_linear(torch.ones(16, 40), BF16 if core.multiplies_bf16() else FLOAT32)
    assert operators.linear(x, None, None, 0.0, packed, torch.zeros(16), 0, None).isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    to=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    channels=st.sampled_from([1, 3, 32]),
    align_corners=st.booleans(),
)
def test_stretch_half_and_mean(
    dtype: torch.dtype, seed: int, size: tuple[int, int], to: tuple[int, int], channels: int, align_corners: bool
) -> None:
    torch.manual_seed(seed)
    x = random(2, channels, *size, dtype=dtype)
    like = torch.empty(1, 1, *to)
    wanted = functional.interpolate(x.float(), size=to, mode="bilinear", align_corners=align_corners)
    assert_close(operators.stretch(x, like, align_corners), wanted, BF16 if dtype == torch.bfloat16 else FLOAT32)
    assert operators.half(x).equal(functional.max_pool2d(x, 2, 2, ceil_mode=True))
    assert_close(operators.mean(x), x.float().mean((2, 3), keepdim=True), BF16 if dtype == torch.bfloat16 else FLOAT32)


def test_stretch_to_the_same_size_is_a_new_tensor() -> None:
    x = random(1, 3, 4, 5)
    stretched = operators.stretch(x, x, align_corners=False)
    assert stretched.equal(x)
    assert stretched.data_ptr() != x.data_ptr()  # as the schema says, by which graphs change tensors in place


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(
    ("height", "width", "first", "rows"), [(1, 1, 0, 2), (3, 5, 1, 4), (8, 16, 0, 16), (7, 9, 13, 1)]
)
def test_join_doubled(dtype: torch.dtype, height: int, width: int, first: int, rows: int) -> None:
    torch.manual_seed(0)
    x, detail = random(2, 6, height, width, dtype=dtype), random(2, 3, rows, 2 * width, dtype=dtype)
    doubled = functional.interpolate(x.float(), scale_factor=2.0, mode="bilinear")[:, :, first : first + rows]
    found = operators.join_doubled(detail, x, first)
    assert found[:, :3].equal(detail)
    assert_close(found[:, 3:], doubled, BF16 if dtype == torch.bfloat16 else FLOAT32)
    with pytest.raises(ValueError, match="are wanted of a map"):
        operators.join_doubled(detail, x, 2 * height)
