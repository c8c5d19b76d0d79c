"""The operators' formulas against slow and obvious ones."""

import itertools
import math

import pytest
import torch
from torch import Tensor

from mattecore.networks.operators import attention_decomposed_relpos, deform_conv2d, window_attention


def slow_deform_conv2d(x: Tensor, offset: Tensor, mask: Tensor, weight: Tensor, padding: int) -> Tensor:
    """One sample at a time; what lies outside the picture is zero."""
    batch, _, height, width = x.shape
    outputs, _, rows, columns = weight.shape
    result = torch.zeros(batch, outputs, *offset.shape[2:], dtype=x.dtype)
    for b, i, j in itertools.product(range(batch), range(offset.size(2)), range(offset.size(3))):
        for tap, (row, column) in enumerate(itertools.product(range(rows), range(columns))):
            y = i + row - padding + offset[b, 2 * tap, i, j].item()
            z = j + column - padding + offset[b, 2 * tap + 1, i, j].item()
            sample = torch.zeros(x.size(1), dtype=x.dtype)
            for p, q in itertools.product((math.floor(y), math.floor(y) + 1), (math.floor(z), math.floor(z) + 1)):
                if 0 <= p < height and 0 <= q < width:
                    sample += (1 - abs(y - p)) * (1 - abs(z - q)) * x[b, :, p, q]
            result[b, :, i, j] += mask[b, tap, i, j] * (weight[:, :, row, column] @ sample)
    return result


@pytest.mark.parametrize("kernel", [1, 3, 7])
@pytest.mark.parametrize("size", [(1, 1, 1), (2, 1, 6), (1, 7, 1), (2, 5, 4)])
@pytest.mark.parametrize("reach", [0.0, 1.0, 6.0, 1e4])
def test_deform_conv2d(kernel: int, size: tuple[int, int, int], reach: float) -> None:
    generator = torch.Generator().manual_seed(kernel * 100 + size[1])
    batch, height, width = size
    x = torch.randn(batch, 3, height, width, generator=generator)
    offset = reach * torch.randn(batch, 2 * kernel**2, height, width, generator=generator)
    mask = 2 * torch.rand(batch, kernel**2, height, width, generator=generator)
    weight = torch.randn(5, 3, kernel, kernel, generator=generator)
    expected = slow_deform_conv2d(x.double(), offset.double(), mask.double(), weight.double(), kernel // 2).float()
    for block_bytes in (1, 1 << 25):
        seen = deform_conv2d(x, offset, mask, weight, kernel // 2, block_bytes)
        torch.testing.assert_close(seen, expected, rtol=1e-4, atol=1e-4)
    half = deform_conv2d(x.bfloat16(), offset, mask, weight.bfloat16(), kernel // 2)
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), expected, rtol=0.05, atol=0.05 * kernel)


def test_deform_conv2d_without_offsets_is_a_convolution() -> None:
    x, weight = torch.randn(2, 4, 9, 11), torch.randn(6, 4, 3, 3)
    offset, mask = torch.zeros(2, 18, 9, 11), torch.ones(2, 9, 9, 11)
    expected = torch.conv2d(x, weight, padding=1)
    torch.testing.assert_close(deform_conv2d(x, offset, mask, weight, 1), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e30])
def test_deform_conv2d_reads_nothing_outside_for_wild_offsets(value: float) -> None:
    x, offset = torch.randn(1, 2, 4, 4), torch.zeros(1, 2, 4, 4)
    offset[0, :, 1, 2] = value
    weight, mask = torch.randn(3, 2, 1, 1), torch.ones(1, 1, 4, 4)
    seen = deform_conv2d(x, offset, mask, weight, 0)
    elsewhere = torch.ones(4, 4, dtype=torch.bool)
    elsewhere[1, 2] = False
    torch.testing.assert_close(seen[..., elsewhere], torch.conv2d(x, weight)[..., elsewhere], rtol=1e-4, atol=1e-4)


def slow_window_attention(qkv: Tensor, padding: Tensor, bias: Tensor, window: int, shift: int, masked: float) -> Tensor:
    """As the paper has it: pad, roll, attend under a mask of regions, roll back."""
    batch, height, width, channels = qkv.shape
    heads = bias.size(0)
    rows, columns = -(-height // window) * window, -(-width // window) * window
    padded = padding.expand(batch, rows, columns, channels).clone()
    padded[:, :height, :width] = qkv
    region = torch.zeros(rows, columns)
    for number, (a, b) in enumerate(itertools.product((0, 1, 2), repeat=2)):
        cuts = (slice(0, -window), slice(-window, -shift), slice(-shift, None))
        region[cuts[a], cuts[b]] = number
    if shift == 0:
        region.zero_()
    padded = padded.roll((-shift, -shift), (1, 2))
    result = torch.empty(batch, rows, columns, channels // 3, dtype=qkv.dtype)
    for i, j in itertools.product(range(0, rows, window), range(0, columns, window)):
        tokens = padded[:, i : i + window, j : j + window].reshape(batch, window**2, 3, heads, -1)
        q, k, v = tokens.permute(2, 0, 3, 1, 4)
        regions = region[i : i + window, j : j + window].flatten()
        mask = torch.zeros(window**2, window**2, dtype=qkv.dtype)
        mask[regions[:, None] != regions[None]] = masked
        logits = q @ k.transpose(2, 3) / q.size(-1) ** 0.5 + bias.reshape(heads, window**2, window**2) + mask
        part = (logits.softmax(-1) @ v).transpose(1, 2).reshape(batch, window, window, channels // 3)
        result[:, i : i + window, j : j + window] = part
    return result.roll((shift, shift), (1, 2))[:, :height, :width]


@pytest.mark.parametrize("masked", [-100.0, -math.inf])
@pytest.mark.parametrize(("window", "shift"), [(2, 1), (3, 1), (4, 0), (7, 3), (12, 6)])
@pytest.mark.parametrize("size", [(1, 1, 1), (2, 7, 3), (1, 12, 14), (2, 9, 25)])
def test_window_attention(size: tuple[int, int, int], window: int, shift: int, masked: float) -> None:
    generator = torch.Generator().manual_seed(window)
    batch, height, width = size
    heads, channels = 2, 8
    qkv = torch.randn(batch, height, width, 3 * channels, generator=generator)
    padding = torch.randn(3 * channels, generator=generator)
    table = torch.randn(2 * window - 1, 2 * window - 1, heads, generator=generator)
    at = torch.arange(window)
    distance = at[:, None] - at[None] + window - 1
    bias = table[distance[:, None, :, None], distance[None, :, None, :]].permute(4, 0, 1, 2, 3)
    seen = window_attention(qkv, padding, bias, window, shift)
    expected = slow_window_attention(
        qkv.double(), padding.double(), bias.double(), window, shift, masked if shift else 0.0
    )
    torch.testing.assert_close(seen, expected.float(), rtol=1e-4, atol=1e-5)


def slow_attention_decomposed_relpos(qkv: Tensor, table_h: Tensor, table_w: Tensor, heads: int) -> Tensor:
    batch, height, width, channels = qkv.shape
    q, k, v = qkv.reshape(batch, height * width, 3, heads, -1).permute(2, 0, 3, 1, 4)
    logits = q @ k.transpose(2, 3) / q.size(-1) ** 0.5
    places = list(itertools.product(range(height), range(width)))
    for (a, (i, j)), (b, (m, n)) in itertools.product(enumerate(places), repeat=2):
        logits[:, :, a, b] += q[:, :, a] @ (table_h[i - m + height - 1] + table_w[j - n + width - 1])
    return (logits.softmax(-1) @ v).transpose(1, 2).reshape(batch, height, width, channels // 3)


@pytest.mark.parametrize("block_bytes", [1, 500, 1 << 25])
@pytest.mark.parametrize("size", [(1, 1, 1), (3, 1, 5), (2, 6, 4), (1, 5, 7)])
def test_attention_decomposed_relpos(size: tuple[int, int, int], block_bytes: int) -> None:
    generator = torch.Generator().manual_seed(size[2])
    batch, height, width = size
    qkv = torch.randn(batch, height, width, 3 * 8, generator=generator)
    table_h = torch.randn(2 * height - 1, 4, generator=generator)
    table_w = torch.randn(2 * width - 1, 4, generator=generator)
    expected = slow_attention_decomposed_relpos(qkv.double(), table_h.double(), table_w.double(), 2).float()
    seen = attention_decomposed_relpos(qkv, table_h, table_w, 2, block_bytes)
    torch.testing.assert_close(seen, expected, rtol=1e-4, atol=1e-5)


def test_attention_decomposed_relpos_stretches_its_tables() -> None:
    qkv, table_h, table_w = torch.randn(1, 3, 4, 24), torch.randn(9, 4), torch.randn(3, 4)
    stretched = [
        torch.nn.functional.interpolate(table.t()[None], size=2 * length - 1, mode="linear")[0].t()
        for table, length in ((table_h, 3), (table_w, 4))
    ]
    seen = attention_decomposed_relpos(qkv, table_h, table_w, 2)
    torch.testing.assert_close(seen, attention_decomposed_relpos(qkv, *stretched, 2), rtol=1e-5, atol=1e-6)
