"""Networks for the benchmarks: random weights, our runtime, and the same network in plain eager torch as a peer."""

import contextlib
import math
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from unittest import mock

import torch
from torch import Tensor, nn
from torch.nn import functional

DATA = Path(__file__).parents[2] / "tests" / "data" / "networks"


def shapes(keys: str) -> dict[str, list[int]]:
    """Returns a public checkpoint's tensors by name, from its table in tests/data/networks/keys."""
    rows = (
        line.split("\t")
        for line in (DATA / "keys" / keys).read_text().splitlines()
        if line and not line.startswith("#")
    )
    return {name: [int(size) for size in shape.strip("[]").split(",") if size.strip()] for name, shape, _ in rows}


def weights(keys: str) -> dict[str, Tensor]:
    """Draws weights that keep a signal's size from layer to layer, the same ones each time."""
    generator = torch.Generator().manual_seed(0)
    return {name: _drawn(name, shape, generator) for name, shape in shapes(keys).items()}


def _drawn(name: str, shape: list[int], generator: torch.Generator) -> Tensor:
    if name.endswith("num_batches_tracked"):
        return torch.zeros(shape, dtype=torch.int64)
    if name.endswith("relative_position_index"):
        return torch.zeros(shape, dtype=torch.int64)
    if name.endswith("running_var"):
        return torch.rand(shape, generator=generator) * 0.5 + 0.75
    if "table" in name or "rel_pos" in name or "position_embeddings" in name:
        return torch.randn(shape, generator=generator) * 0.02
    if len(shape) >= 2:
        return torch.randn(shape, generator=generator) / math.sqrt(math.prod(shape[1:]))
    if name.endswith("weight"):
        return torch.rand(shape, generator=generator) * 0.4 + 0.8
    return torch.randn(shape, generator=generator) * 0.05


def file(keys: str) -> Path:
    """Writes the weights to a file, once a machine, and returns it."""
    from safetensors.torch import save_file

    return _written(Path(keys).with_suffix(".safetensors").name, lambda path: save_file(weights(keys), path))


def pickled(keys: str, part: str = "") -> Path:
    """Writes the weights below a module, or all of them, as a training script does, once a machine."""
    tensors = {name.removeprefix(part): value for name, value in weights(keys).items() if name.startswith(part)}
    return _written(f"{keys}{part}.pth", lambda path: torch.save(tensors, path))


def _written(name: str, write: Callable[[Path], None]) -> Path:
    path = Path(tempfile.gettempdir()) / f"mattecore-benchmarks-{os.getuid()}" / name
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}")
        write(unfinished)
        unfinished.rename(path)
    return path


def eager(tensors: Mapping[str, Tensor]) -> nn.Module:
    """Returns the network that these weights are for in eager torch, in fp32; call it within plain_operators."""
    from mattecore.networks import build, load_weights

    module = build({name: tensor.shape for name, tensor in tensors.items()}).module
    load_weights(module, tensors)
    return module


@contextlib.contextmanager
def plain_operators(**others: Callable[..., Tensor]) -> Iterator[None]:
    """Puts torch's own operators, or others by name, in the place of ours in the networks' definitions."""
    from mattecore.networks import birefnet, isnet, swin

    with contextlib.ExitStack() as stack:
        for module in (isnet, birefnet, swin):
            for name, function in {**_PLAIN, **others}.items():
                if hasattr(module, name):
                    stack.enter_context(mock.patch.object(module, name, function))
        yield


def _half(x: Tensor) -> Tensor:
    return functional.max_pool2d(x, 2, 2, ceil_mode=True)


def _stretch(x: Tensor, like: Tensor, align_corners: bool = False) -> Tensor:
    return functional.interpolate(x, size=like.shape[2:], mode="bilinear", align_corners=align_corners)


def _mean(x: Tensor) -> Tensor:
    return x.mean((2, 3), keepdim=True)


def _deform_conv2d(x: Tensor, offset: Tensor, mask: Tensor, weight: Tensor, padding: int) -> Tensor:
    """Samples all windows into one matrix, in fp32, and multiplies it."""
    batch, channels, height, width = x.shape
    outputs, _, kernel_height, kernel_width = weight.shape
    taps = kernel_height * kernel_width
    rows, columns = torch.arange(height).view(1, -1, 1), torch.arange(width).view(1, 1, -1)
    tap_row = (torch.arange(taps) // kernel_width - padding).view(-1, 1, 1)
    tap_column = (torch.arange(taps) % kernel_width - padding).view(-1, 1, 1)
    matrix = x.new_zeros(batch, channels, taps, height, width)
    for b in range(batch):
        down, right = offset[b].view(taps, 2, height, width).unbind(1)
        y, across = down + rows + tap_row, right + columns + tap_column
        grid = torch.stack((2 * (across + 0.5) / width - 1, 2 * (y + 0.5) / height - 1), -1)
        sampled = functional.grid_sample(x[b : b + 1], grid.view(1, taps * height, width, 2), align_corners=False)
        matrix[b] = sampled.view(channels, taps, height, width) * mask[b]
    return (weight.view(outputs, -1) @ matrix.view(batch, channels * taps, -1)).view(batch, outputs, height, width)


def _window_attention(qkv: Tensor, padding: Tensor, bias: Tensor, window: int, shift: int) -> Tensor:
    """Pads, rolls, cuts into windows, masks what wrapped round, and rolls back, as the original does."""
    batch, height, width, channels = qkv.shape
    heads, inner = bias.size(0), channels // 3
    below, beside = -height % window, -width % window
    x = functional.pad(qkv - padding, (0, 0, 0, beside, 0, below)) + padding
    if shift:
        x = x.roll((-shift, -shift), (1, 2))
    rows, columns = x.size(1) // window, x.size(2) // window
    x = (
        x.view(batch, rows, window, columns, window, channels)
        .transpose(2, 3)
        .reshape(-1, window**2, 3, heads, inner // heads)
    )
    query, key, value = x.permute(2, 0, 3, 1, 4)
    logits = (query * (inner // heads) ** -0.5) @ key.transpose(2, 3) + bias.reshape(heads, window**2, window**2)
    if shift:
        logits = logits.view(batch, rows * columns, heads, window**2, window**2)
        logits = (logits + _shift_mask(rows, columns, window, shift).unsqueeze(1)).flatten(0, 1)
    y = (logits.softmax(-1) @ value).transpose(1, 2).reshape(batch, rows, columns, window, window, inner)
    y = y.transpose(2, 3).reshape(batch, rows * window, columns * window, inner)
    if shift:
        y = y.roll((shift, shift), (1, 2))
    return y[:, :height, :width].contiguous()


def _shift_mask(rows: int, columns: int, window: int, shift: int) -> Tensor:
    """-100 between tokens that were not neighbours before the roll."""
    parts = torch.zeros(rows * window, columns * window)
    ends = (slice(0, -window), slice(-window, -shift), slice(-shift, None))
    for index, (part_rows, part_columns) in enumerate((r, c) for r in ends for c in ends):
        parts[part_rows, part_columns] = index
    windows = parts.view(rows, window, columns, window).transpose(1, 2).reshape(-1, window**2)
    return (windows.unsqueeze(1) != windows.unsqueeze(2)) * -100.0


_PLAIN: Mapping[str, object] = {
    "fine": lambda x: x,
    "coarse": lambda x: x,
    "half": _half,
    "stretch": _stretch,
    "mean": _mean,
    "deform_conv2d": _deform_conv2d,
    "window_attention": _window_attention,
}
