"""The operators against slow and obvious formulas, and what all of them promise alike."""

import itertools
import math
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from mattecore import _native
from mattecore.networks.operators import attention_decomposed_relpos, deform_conv2d, window_attention

_native.load()

FLOAT, DOUBLE, BFLOAT, HALF = torch.float32, torch.float64, torch.bfloat16, torch.float16
every_type = pytest.mark.parametrize("dtype", [FLOAT, DOUBLE, BFLOAT, HALF], ids=str)


def assert_near(seen: Tensor, expected: Tensor, scale: float = 1.0) -> None:
    """Compare with float64 results of the same inputs, whose terms add up to about `scale`.

    Sums are float32. Of 16 bits, the factors of a sum (samples, exponentials) and the result are rounded: by 2^-9 each
    for bfloat16, and a GPU's attention rounds biases too.
    """
    step = {FLOAT: 2e-6, DOUBLE: 2e-6, BFLOAT: 2**-8, HALF: 2**-11}[seen.dtype]
    if seen.is_cuda and seen.dtype in (BFLOAT, HALF):
        step *= 8
    torch.testing.assert_close(seen.double().cpu(), expected, rtol=2 * step, atol=step * scale)


# --- deformable convolution


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


def deform_inputs(
    generator: torch.Generator, batch: int, channels: int, height: int, width: int, outputs: int, kernel: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    x = torch.randn(batch, channels, height, width, generator=generator)
    offset = torch.randn(batch, 2 * kernel**2, height, width, generator=generator)
    mask = 2 * torch.rand(batch, kernel**2, height, width, generator=generator)
    weight = torch.randn(outputs, channels, kernel, kernel, generator=generator)
    return x, offset, mask, weight


@every_type
@pytest.mark.parametrize("kernel", [1, 3, 7])
@pytest.mark.parametrize("size", [(1, 1, 1), (2, 1, 6), (1, 7, 1), (2, 5, 4)])
@pytest.mark.parametrize("reach", [0.0, 1.0, 6.0, 1e4])
def test_deform_conv2d(
    kernel: int, size: tuple[int, int, int], reach: float, dtype: torch.dtype, device: str, random: torch.Generator
) -> None:
    x, offset, mask, weight = (t.to(dtype) for t in deform_inputs(random, size[0], 3, *size[1:], 5, kernel))
    offset = offset * reach
    expected = slow_deform_conv2d(x.double(), offset.double(), mask.double(), weight.double(), kernel // 2)
    inputs = [t.to(device) for t in (x, offset, mask, weight)]
    seen = deform_conv2d(*inputs, kernel // 2)
    assert seen.is_contiguous(memory_format=torch.channels_last)
    # A position of 1e4 pixels has steps of 2^-10 in float32.
    terms = (weight.double().abs().sum() * (1 + 1e3 * (reach == 1e4))).item()
    assert_near(seen, expected, terms)
    positions_in_float = deform_conv2d(inputs[0], inputs[1].float(), inputs[2].float(), inputs[3], kernel // 2)
    assert_near(positions_in_float, expected, terms)


@every_type
@pytest.mark.parametrize(("channels", "outputs"), [(1, 1), (3, 5), (16, 33), (64, 256), (70, 16), (600, 3)])
@pytest.mark.parametrize(("kernel", "padding"), [((1, 1), 0), ((3, 3), 1), ((3, 2), 2), ((7, 7), 3), ((2, 5), 0)])
def test_deform_conv2d_without_offsets_is_a_convolution(
    channels: int,
    outputs: int,
    kernel: tuple[int, int],
    padding: int,
    dtype: torch.dtype,
    device: str,
    random: torch.Generator,
) -> None:
    x = torch.randn(2, channels, 9, 17, generator=random).to(dtype)
    weight = torch.randn(outputs, channels, *kernel, generator=random).to(dtype)
    expected = torch.conv2d(x.double(), weight.double(), padding=padding)
    taps, size = kernel[0] * kernel[1], expected.shape[2:]
    offset, mask = torch.zeros(2, 2 * taps, *size, dtype=dtype), torch.ones(2, taps, *size, dtype=dtype)
    seen = deform_conv2d(*(t.to(device) for t in (x, offset, mask, weight)), padding)
    # Rounding errors of a sum of n numbers near 1 in float32 add up to about n / 8 roundings of one.
    terms = channels * taps
    assert_near(seen, expected, math.sqrt(terms) + terms / 8 * (dtype == FLOAT))


@every_type
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e30, -1e30, 3e4])
def test_deform_conv2d_takes_wild_offsets_for_positions_outside(
    value: float, dtype: torch.dtype, device: str, random: torch.Generator
) -> None:
    x, offset, mask, weight = (t.to(dtype) for t in deform_inputs(random, 1, 18, 4, 5, 3, 1))
    offset[:, 0, 1, 2] = value
    offset[:, 1, 3, 0] = value
    expected = slow_deform_conv2d(
        x.double(), offset.double().nan_to_num(9).clamp(-9, 9), mask.double(), weight.double(), 0
    )
    expected[..., 1, 2] = expected[..., 3, 0] = 0
    seen = deform_conv2d(*(t.to(device) for t in (x, offset, mask, weight)), 0)
    assert_near(seen, expected, 18)
    assert seen[..., 1, 2].count_nonzero() == seen[..., 3, 0].count_nonzero() == 0


def test_deform_conv2d_does_not_read_the_border_for_what_is_outside(device: str, random: torch.Generator) -> None:
    x, offset, mask, weight = deform_inputs(random, 1, 18, 4, 4, 3, 1)
    x[:, :, 0, 0] = math.nan
    offset[:] = 0
    offset[:, :, 1, 1] = -1.5  # half a pixel beyond the first
    offset[:, 0, 2, 2] = -3.5
    seen = deform_conv2d(*(t.to(device) for t in (x, offset, mask, weight)), 0)
    assert seen.isnan().any(1).nonzero().tolist() == [[0, 0, 0], [0, 1, 1]]


# --- window attention


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


def relative_bias(generator: torch.Generator, heads: int, window: int) -> Tensor:
    table = torch.randn(2 * window - 1, 2 * window - 1, heads, generator=generator)
    at = torch.arange(window)
    distance = at[:, None] - at[None] + window - 1
    return table[distance[:, None, :, None], distance[None, :, None, :]].permute(4, 0, 1, 2, 3)


def window_inputs(
    generator: torch.Generator, batch: int, height: int, width: int, heads: int, size: int, window: int
) -> tuple[Tensor, Tensor, Tensor]:
    qkv = torch.randn(batch, height, width, 3 * heads * size, generator=generator)
    return qkv, torch.randn(3 * heads * size, generator=generator), relative_bias(generator, heads, window)


@every_type
@pytest.mark.parametrize("masked", [-100.0, -math.inf])
@pytest.mark.parametrize(("window", "shift"), [(2, 1), (3, 1), (4, 0), (7, 3), (12, 6)])
@pytest.mark.parametrize("size", [(1, 1, 1), (2, 7, 3), (1, 12, 14), (2, 9, 25)])
def test_window_attention(
    size: tuple[int, int, int],
    window: int,
    shift: int,
    masked: float,
    dtype: torch.dtype,
    device: str,
    random: torch.Generator,
) -> None:
    qkv, padding, bias = (t.to(dtype) for t in window_inputs(random, *size, 2, 4, window))
    expected = slow_window_attention(
        qkv.double(), padding.double(), bias.double(), window, shift, masked if shift else 0.0
    )
    seen = window_attention(qkv.to(device), padding.to(device), bias.to(device), window, shift)
    assert_near(seen, expected, qkv.abs().max().item())


@pytest.mark.parametrize("dtype", [FLOAT, BFLOAT, HALF], ids=str)
@pytest.mark.parametrize(("heads", "size", "window", "shift"), [(3, 32, 12, 6), (1, 5, 7, 2), (2, 33, 30, 11)])
def test_window_attention_against_the_composition_in_double(
    heads: int, size: int, window: int, shift: int, dtype: torch.dtype, device: str, random: torch.Generator
) -> None:
    inputs = [t.to(dtype) for t in window_inputs(random, 2, 41, 37, heads, size, window)]
    expected = window_attention(*(t.double() for t in inputs), window, shift)
    assert_near(window_attention(*(t.to(device) for t in inputs), window, shift), expected, 5)


# --- attention with decomposed relative positions


def slow_attention_decomposed_relpos(qkv: Tensor, table_h: Tensor, table_w: Tensor, heads: int) -> Tensor:
    batch, height, width, channels = qkv.shape
    q, k, v = qkv.reshape(batch, height * width, 3, heads, -1).permute(2, 0, 3, 1, 4)
    logits = q @ k.transpose(2, 3) / q.size(-1) ** 0.5
    places = list(itertools.product(range(height), range(width)))
    for (a, (i, j)), (b, (m, n)) in itertools.product(enumerate(places), repeat=2):
        logits[:, :, a, b] += q[:, :, a] @ (table_h[i - m + height - 1] + table_w[j - n + width - 1])
    return (logits.softmax(-1) @ v).transpose(1, 2).reshape(batch, height, width, channels // 3)


def relpos_inputs(
    generator: torch.Generator, batch: int, height: int, width: int, heads: int, size: int, window: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    qkv = torch.randn(batch, height, width, 3 * heads * size, generator=generator)
    rows, columns = (window, window) if window else (height, width)
    table_h = torch.randn(2 * rows - 1, size, generator=generator) / math.sqrt(size)
    table_w = torch.randn(2 * columns - 1, size, generator=generator) / math.sqrt(size)
    return qkv, table_h, table_w, torch.randn(3 * heads * size, generator=generator)


@every_type
@pytest.mark.parametrize("size", [(1, 1, 1), (3, 1, 5), (2, 6, 4), (1, 5, 7), (1, 4, 20)])
@pytest.mark.parametrize("head", [4, 5, 64, 72])  # a GPU's own kernels take up to 64
def test_attention_decomposed_relpos(
    size: tuple[int, int, int], head: int, dtype: torch.dtype, device: str, random: torch.Generator
) -> None:
    qkv, table_h, table_w, padding = (t.to(dtype) for t in relpos_inputs(random, *size, 2, head, 0))
    expected = slow_attention_decomposed_relpos(qkv.double(), table_h.double(), table_w.double(), 2)
    seen = attention_decomposed_relpos(*(t.to(device) for t in (qkv, table_h, table_w, padding)), 2, 0)
    assert_near(seen, expected, qkv.abs().max().item())


@every_type
@pytest.mark.parametrize("window", [1, 2, 5, 14])
def test_attention_decomposed_relpos_in_windows(
    window: int, dtype: torch.dtype, device: str, random: torch.Generator
) -> None:
    qkv, table_h, table_w, padding = (t.to(dtype) for t in relpos_inputs(random, 2, 7, 16, 2, 8, window))
    rows, columns = -(-7 // window) * window, -(-16 // window) * window
    padded = padding.double().expand(2, rows, columns, -1).clone()
    padded[:, :7, :16] = qkv
    expected = torch.empty(2, rows, columns, 16, dtype=DOUBLE)
    for i, j in itertools.product(range(0, rows, window), range(0, columns, window)):
        part = padded[:, i : i + window, j : j + window]
        expected[:, i : i + window, j : j + window] = slow_attention_decomposed_relpos(
            part, table_h.double(), table_w.double(), 2
        )
    seen = attention_decomposed_relpos(*(t.to(device) for t in (qkv, table_h, table_w, padding)), 2, window)
    assert_near(seen, expected[:, :7, :16], 5)


# Sizes of one block of keys and of several, whose rows end within vectors, blocks and tiles or with them.
@pytest.mark.parametrize("dtype", [FLOAT, BFLOAT, HALF], ids=str)
@pytest.mark.parametrize("size", [(1, 30, 40), (2, 32, 32), (1, 3, 700), (1, 1100, 1), (1, 33, 64)])
def test_attention_decomposed_relpos_against_the_composition_in_double(
    size: tuple[int, int, int], dtype: torch.dtype, device: str, random: torch.Generator
) -> None:
    inputs = [t.to(dtype) for t in relpos_inputs(random, *size, 2, 64, 0)]
    expected = attention_decomposed_relpos(*(t.double() for t in inputs), 2, 0)
    assert_near(attention_decomposed_relpos(*(t.to(device) for t in inputs), 2, 0), expected, 5)


@every_type
def test_attention_decomposed_relpos_stretches_its_tables(
    dtype: torch.dtype, device: str, random: torch.Generator
) -> None:
    qkv, table_h, table_w = (torch.randn(shape, generator=random) for shape in ((1, 3, 4, 24), (9, 4), (3, 4)))
    padding = torch.zeros(24)
    stretched = [
        torch.nn.functional.interpolate(table.t()[None], size=2 * length - 1, mode="linear")[0].t()
        for table, length in ((table_h, 3), (table_w, 4))
    ]
    seen = attention_decomposed_relpos(*(t.to(device, dtype) for t in (qkv, table_h, table_w, padding)), 2, 0)
    expected = slow_attention_decomposed_relpos(
        qkv.to(dtype).double(), *(t.to(dtype).double() for t in stretched), heads=2
    )
    assert_near(seen, expected, 20)  # the tables are rounded before they are stretched, and once more after


@pytest.mark.parametrize("dtype", [FLOAT, BFLOAT, HALF], ids=str)
@pytest.mark.parametrize("shift", [-3000.0, -200.0, 200.0, 3000.0])
@pytest.mark.parametrize("spread", [1.0, 30.0])
def test_logits_far_from_zero(
    shift: float, spread: float, dtype: torch.dtype, device: str, random: torch.Generator
) -> None:
    """Adding a number to all logits changes nothing, and a wide spread leaves the highest alone."""
    window = 25  # more keys than a block has
    qkv = torch.randn(1, window, window, 3 * 8, generator=random)
    qkv[..., :8] *= spread
    qkv = qkv.to(dtype)
    inputs = qkv, torch.zeros(24, dtype=dtype), torch.full((1, *[window] * 4), shift, dtype=dtype)
    expected = window_attention(*(t.double() for t in inputs), window, 0)
    # At 3000, a logit has steps of 2^-12 in float32.
    seen = window_attention(*(t.to(device) for t in inputs), window, 0)
    assert_near(seen, expected, 5 + 300 * (dtype == FLOAT))


def test_logits_that_rise_and_fall_from_block_to_block(device: str, random: torch.Generator) -> None:
    qkv, table_h, table_w, padding = relpos_inputs(random, 1, 48, 48, 1, 64, 0)
    qkv[..., 64:128] *= 40 * torch.linspace(-1, 1, 48).abs()[:, None, None]
    for dtype in (FLOAT, BFLOAT, HALF):
        inputs = [t.to(dtype) for t in (qkv, table_h, table_w, padding)]
        expected = attention_decomposed_relpos(*(t.double() for t in inputs), 1, 0)
        seen = attention_decomposed_relpos(*(t.to(device) for t in inputs), 1, 0)
        assert_near(seen, expected, 5 + 50 * (dtype == FLOAT))


# --- what all operators promise


@dataclass(frozen=True)
class Case:
    """An operator with its settings; the first `batched` of its tensors have a batch."""

    name: str
    run: Callable[..., Tensor]
    make: Callable[[torch.Generator, int], tuple[Tensor, ...]]
    batched: int

    def inputs(
        self, generator: torch.Generator, dtype: torch.dtype = FLOAT, batch: int = 2, device: str = "cpu"
    ) -> list[Tensor]:
        return [t.to(device, dtype) for t in self.make(generator, batch)]


CASES = [
    Case("deform", lambda *t: deform_conv2d(*t, 1), lambda g, b: deform_inputs(g, b, 20, 19, 23, 40, 3), 3),
    Case(
        "shifted windows", lambda *t: window_attention(*t, 7, 3), lambda g, b: window_inputs(g, b, 17, 22, 3, 8, 7), 1
    ),
    Case(
        "relpos",
        lambda *t: attention_decomposed_relpos(*t, 2, 0),
        lambda g, b: relpos_inputs(g, b, 35, 31, 2, 16, 0),
        1,
    ),
    Case(
        "relpos in windows",
        lambda *t: attention_decomposed_relpos(*t, 2, 14),
        lambda g, b: relpos_inputs(g, b, 17, 30, 2, 16, 14),
        1,
    ),
]
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
three_types = pytest.mark.parametrize("dtype", [FLOAT, BFLOAT, HALF], ids=str)


@every_case
@three_types
def test_any_number_of_threads_gives_the_same_bytes(
    case: Case, dtype: torch.dtype, random: torch.Generator, set_threads: Callable[[int], None]
) -> None:
    inputs = case.inputs(random, dtype)
    results = []
    for threads in (1, 2, 3, 8):
        set_threads(threads)
        results.append(case.run(*inputs))
    assert all(torch.equal(result, results[0]) for result in results)


@every_case
@three_types
def test_a_batch_is_its_pictures_one_by_one(
    case: Case, dtype: torch.dtype, device: str, random: torch.Generator
) -> None:
    inputs = case.inputs(random, dtype, batch=3, device=device)
    together = case.run(*inputs)
    for b in range(3):
        alone = case.run(*(t[b : b + 1] for t in inputs[: case.batched]), *inputs[case.batched :])
        assert torch.equal(alone, together[b : b + 1])


LAYOUTS = {
    "last axis first": lambda t: t.movedim(-1, 0).contiguous().movedim(0, -1),
    "second axis last": lambda t: t.transpose(1, -1).contiguous().transpose(1, -1) if t.dim() > 1 else t,
    "every second value": lambda t: t.repeat_interleave(2, -1)[..., ::2],
    "a part of a larger one": lambda t: torch.nn.functional.pad(t, (3, 1))[..., 3:-1],
    "backwards": lambda t: t.flip(0).contiguous().flip(0),
    "requires gradients": lambda t: t.clone().requires_grad_(),
    "lazily negated": lambda t: torch.complex(torch.zeros_like(t), -t).conj().imag,
}


@every_case
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_any_layout_gives_the_packed_ones_bytes(
    case: Case, layout: Callable[[Tensor], Tensor], device: str, random: torch.Generator
) -> None:
    inputs = case.inputs(random, device=device)
    with torch.inference_mode(False):
        laid_out = [layout(t.clone()) for t in inputs]
        seen = case.run(*laid_out)
    assert not seen.requires_grad
    assert torch.equal(seen, case.run(*inputs))


@every_case
def test_inputs_are_left_alone(case: Case, device: str, random: torch.Generator) -> None:
    inputs = case.inputs(random, device=device)
    before = [t.clone() for t in inputs]
    case.run(*inputs)
    assert all(torch.equal(a, b) for a, b in zip(inputs, before, strict=True))


@every_case
@three_types
def test_calls_from_several_threads_at_once(case: Case, dtype: torch.dtype, random: torch.Generator) -> None:
    inputs = case.inputs(random, dtype)
    wanted = case.run(*inputs)
    barrier = threading.Barrier(3)

    def work(_: int) -> list[Tensor]:
        barrier.wait()
        return [case.run(*inputs) for _ in range(5)]

    with ThreadPoolExecutor(3) as pool:
        assert all(torch.equal(result, wanted) for results in pool.map(work, range(3)) for result in results)


def script_all(x: Tensor, qkv: Tensor, table: Tensor) -> list[Tensor]:
    offset, mask = x.new_zeros(1, 2, 4, 4), x.new_ones(1, 1, 4, 4)
    return [
        deform_conv2d(x, offset, mask, x.new_ones(3, 2, 1, 1), 0),
        window_attention(qkv, qkv[0, 0, 0], qkv.new_zeros(2, 3, 3, 3, 3), 3, 1),
        attention_decomposed_relpos(qkv, table, table, qkv[0, 0, 0], 2, 0),
    ]


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_scripted(device: str, random: torch.Generator) -> None:
    inputs = [torch.randn(shape, generator=random).to(device) for shape in ((1, 2, 4, 4), (1, 4, 4, 24), (7, 4))]
    for seen, expected in zip(torch.jit.script(script_all)(*inputs), script_all(*inputs), strict=True):
        assert torch.equal(seen, expected)


X, OFFSET, MASK, WEIGHT = (torch.zeros(s) for s in ((1, 4, 5, 6), (1, 18, 5, 6), (1, 9, 5, 6), (8, 4, 3, 3)))
QKV, PADDING, BIAS, TABLE = (torch.zeros(s) for s in ((1, 5, 6, 24), (24,), (2, 3, 3, 3, 3), (5, 4)))
REFUSALS = {
    "axes": (deform_conv2d, (X[0], OFFSET, MASK, WEIGHT, 1), r"x has the shape \[4, 5, 6\]; wanted \[batch, channels"),
    "empty": (deform_conv2d, (X[:0], OFFSET, MASK, WEIGHT, 1), r"x is empty, \[0, 4, 5, 6\]; wanted"),
    "integers": (
        deform_conv2d,
        (X.int(), OFFSET, MASK, WEIGHT, 1),
        "x is a CPUIntType; wanted a dense tensor of float32",
    ),
    "type": (deform_conv2d, (X, OFFSET, MASK, WEIGHT.half(), 1), "weight is Half and x Float; wanted both of one type"),
    "mask's type": (deform_conv2d, (X, OFFSET, MASK.half(), WEIGHT, 1), "mask is Half and x Float; wanted"),
    "device": (deform_conv2d, (X, OFFSET.to("meta"), MASK, WEIGHT, 1), "offset is on meta and x on cpu; wanted both"),
    "channels": (deform_conv2d, (X[:, 1:], OFFSET, MASK, WEIGHT, 1), "weight takes 4 channels and x has 3; wanted as"),
    "taps": (
        deform_conv2d,
        (X, OFFSET[:, 2:], MASK, WEIGHT, 1),
        r"offset has the shape \[1, 16, 5, 6\]; wanted \[1, 18, height, width\] for a weight \[8, 4, 3, 3\]",
    ),
    "mask's taps": (
        deform_conv2d,
        (X, OFFSET, MASK[:, 1:], WEIGHT, 1),
        r"mask has the shape .*; wanted \[1, 9, height",
    ),
    "sizes": (
        deform_conv2d,
        (X, OFFSET, MASK[:, :, 1:], WEIGHT, 1),
        r"mask has the shape \[1, 9, 4, 6\] and offset \[1, 18, 5, 6\]; wanted the same height and width",
    ),
    "padding": (deform_conv2d, (X, OFFSET, MASK, WEIGHT, -1), "padding is -1; wanted at least 0"),
    "heads": (
        attention_decomposed_relpos,
        (QKV, TABLE, TABLE, PADDING, 5, 3),
        r"qkv has 24 channels in \[1, 5, 6, 24\]; wanted a multiple of 3 \* 5, queries, keys and values of 5 heads",
    ),
    "no heads": (attention_decomposed_relpos, (QKV, TABLE, TABLE, PADDING, 0, 3), "heads is 0; wanted at least 1"),
    "table": (
        attention_decomposed_relpos,
        (QKV, TABLE, TABLE[:, :3], PADDING, 2, 3),
        r"table_w has 3 columns; wanted 4, the channels of a head in qkv \[1, 5, 6, 24\]",
    ),
    "window": (attention_decomposed_relpos, (QKV, TABLE, TABLE, PADDING, 2, -1), "window is -1; wanted at least 0"),
    "vector": (
        window_attention,
        (QKV, PADDING[1:], BIAS, 3, 1),
        "padding has 23 values and qkv 24 channels; wanted as",
    ),
    "bias": (
        window_attention,
        (QKV, PADDING, BIAS[:, 1:], 3, 1),
        r"bias has the shape .*; wanted \[heads, 3, 3, 3, 3\]",
    ),
    "shift": (window_attention, (QKV, PADDING, BIAS, 3, 3), "shift is 3; wanted 0 to 2"),
}


@pytest.mark.parametrize(("run", "arguments", "message"), REFUSALS.values(), ids=REFUSALS)
def test_mistakes_are_named_in_a_sentence(run: Callable[..., Tensor], arguments: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message) as refusal:
        run(*arguments)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 200


# --- torch's functions into the network's own memory


@every_type
@pytest.mark.parametrize("channels", [(1,), (3, 1), (64, 2, 5)])
def test_join_lays_maps_beside_one_another(channels: tuple[int, ...], dtype: torch.dtype) -> None:
    maps = [torch.randn(2, count, 7, 33).to(dtype) for count in channels]
    maps[0] = maps[0].contiguous(memory_format=torch.channels_last)
    maps[-1] = maps[-1].flip(3).transpose(2, 3).contiguous().transpose(2, 3)  # columns first in memory
    joined = torch.ops.mattecore.join(maps)
    assert torch.equal(joined, torch.cat(maps, 1))
    assert joined.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(
    ("other", "found"),
    [
        (torch.zeros(1, 2, 3, 5), r"\[1, 2, 3, 5\] of Float"),
        (torch.zeros(2, 2, 3, 4), r"\[2, 2, 3, 4\] of Float"),
        (torch.zeros(1, 2, 3, 4, dtype=BFLOAT), r"\[1, 2, 3, 4\] of BFloat16"),
        (torch.zeros(2, 3, 4), r"\[2, 3, 4\] of Float"),
    ],
)
def test_join_refuses_what_does_not_fit(other: Tensor, found: str) -> None:
    with pytest.raises(ValueError, match=rf"^a map to join is {found}, and the first \[1, 2, 3, 4\] of Float"):
        torch.ops.mattecore.join([torch.zeros(1, 2, 3, 4), other])


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=str)
def test_cast_keeps_the_layout(layout: torch.memory_format) -> None:
    x = torch.randn(2, 5, 9, 11).contiguous(memory_format=layout)
    for dtype in (BFLOAT, FLOAT):
        seen = torch.ops.mattecore.cast(x, dtype)
        assert torch.equal(seen, x.to(dtype))
        assert seen.is_contiguous(memory_format=layout)


@every_type
def test_reshape_is_a_view_where_there_is_one(dtype: torch.dtype) -> None:
    x = torch.randn(2, 6, 4, 5).to(dtype)
    view = torch.ops.mattecore.reshape(x, [2, -1, 5])
    assert torch.equal(view, x.reshape(2, 24, 5))
    assert view.data_ptr() == x.data_ptr()
    turned = x.permute(0, 2, 3, 1)
    copy = torch.ops.mattecore.reshape(turned, [2, 4, 30])
    assert torch.equal(copy, turned.reshape(2, 4, 30))
    assert copy.data_ptr() != x.data_ptr()


@every_type
@pytest.mark.parametrize("function", ["add", "mul"])
@pytest.mark.parametrize("smaller", [(2, 5, 9, 11), (1, 5, 1, 1), (2, 1, 9, 11), (11,)])
def test_two_maps_are_spread_over_one_another(function: str, smaller: tuple[int, ...], dtype: torch.dtype) -> None:
    a = torch.randn(2, 5, 9, 11).to(dtype).contiguous(memory_format=torch.channels_last)
    b = torch.randn(smaller).to(dtype)
    b = b.contiguous(memory_format=torch.channels_last) if b.dim() == 4 else b
    run = getattr(torch.ops.mattecore, function)
    for first, second in ((a, b), (b, a), (a, b.float())):
        seen, wanted = run(first, second), getattr(torch, function)(first, second)
        assert seen.dtype == wanted.dtype
        assert torch.equal(seen, wanted)
        assert seen.is_contiguous(memory_format=torch.channels_last)


@every_type
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=str)
def test_relu_keeps_the_layout(layout: torch.memory_format, dtype: torch.dtype) -> None:
    x = torch.randn(2, 5, 9, 11).to(dtype).contiguous(memory_format=layout)
    seen = torch.ops.mattecore.relu(x)
    assert torch.equal(seen, x.relu())
    assert seen.is_contiguous(memory_format=layout)


@pytest.mark.parametrize("depth", [1, 7, 96, 1536])
@pytest.mark.parametrize("dtype", [FLOAT, BFLOAT], ids=str)
def test_layer_norm_is_torchs(depth: int, dtype: torch.dtype) -> None:
    """To float32's rounding of sums in another order; in bf16 to the last of its 8 bits."""
    x = (torch.randn(2, 3, 67, depth) * 3 + 5).to(dtype).transpose(0, 1)
    weight, bias = torch.randn(depth), torch.randn(depth)
    seen = torch.ops.mattecore.layer_norm(x, weight, bias, 1e-5)
    wanted = torch.nn.functional.layer_norm(x.double(), (depth,), weight.double(), bias.double(), 1e-5)
    assert seen.dtype == dtype
    torch.testing.assert_close(seen.double(), wanted, rtol=1e-5 if dtype == FLOAT else 2**-8, atol=2e-5)
