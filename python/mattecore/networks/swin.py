"""Swin transformer backbone with four stages, each of whose outputs is normalised.

Liu et al., Swin Transformer: Hierarchical Vision Transformer using Shifted Windows, ICCV 2021.
"""

# mypy: no-warn-return-any

import itertools
import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from mattecore.networks.operators import coarse, window_attention
from mattecore.networks.state_dict import Shapes, StateDictError, shape_of

_STAGES = 4


@dataclass(frozen=True)
class SwinConfig:
    channels: int  # of the first stage; each next one has twice as many
    depths: tuple[int, ...]
    heads: tuple[int, ...]
    window: int

    def stage_channels(self, stage: int) -> int:
        return self.channels << stage


def config_from_state_dict(shapes: Shapes, prefix: str) -> SwinConfig:
    channels, *_ = shape_of(shapes, f"{prefix}patch_embed.proj.weight", 4)
    depths, heads = [], []
    for stage in range(_STAGES):
        table = f"{prefix}layers.{stage}.blocks.{{}}.attn.relative_position_bias_table"
        entries, stage_heads = shape_of(shapes, table.format(0), 2)
        if (channels << stage) % stage_heads != 0:
            raise StateDictError(f"tensor {table.format(0)} has {stage_heads} heads for {channels << stage} channels")
        depths.append(next(block for block in itertools.count(1) if table.format(block) not in shapes))
        heads.append(stage_heads)
    window = (math.isqrt(entries) + 1) // 2
    return SwinConfig(channels=channels, depths=tuple(depths), heads=tuple(heads), window=window)


class PatchEmbed(nn.Module):
    """Image [B,3,H,W] -> tokens [B,H/4,W/4,C]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, channels, 4, stride=4)
        self.norm = nn.LayerNorm(channels)

    def forward(self, image: Tensor) -> Tensor:
        return self.norm(coarse(self.proj(image)).permute(0, 2, 3, 1))


class WindowAttention(nn.Module):
    def __init__(self, channels: int, heads: int, window: int, shift: int) -> None:
        super().__init__()
        self.window = window
        self.shift = shift
        self.relative_position_bias_table = nn.Parameter(torch.empty((2 * window - 1) ** 2, heads))
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        # A zero token of the padding becomes the bias of the map to queries, keys and values.
        return self.proj(window_attention(self.qkv(x), self.qkv.bias, self.bias(), self.window, self.shift))

    def bias(self) -> Tensor:
        """[heads, row, column, row, column]: the table's entry for the distance of a query from a key."""
        side = 2 * self.window - 1
        table = self.relative_position_bias_table.view(side, side, -1)
        return table.unfold(0, self.window, 1).unfold(1, self.window, 1).flip(3, 4).permute(2, 0, 1, 3, 4)


class MLP(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels, 4 * channels)
        self.fc2 = nn.Linear(4 * channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(functional.gelu(self.fc1(x)))


class Block(nn.Module):
    def __init__(self, channels: int, heads: int, window: int, shift: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attn = WindowAttention(channels, heads, window, shift)
        self.norm2 = nn.LayerNorm(channels)
        self.mlp = MLP(channels)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class PatchMerging(nn.Module):
    """[B,H,W,C] -> [B,ceil(H/2),ceil(W/2),2C]: four neighbours, in the order (0,0), (1,0), (0,1), (1,1), become one."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * channels)
        self.reduction = nn.Linear(4 * channels, 2 * channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        batch, height, width, channels = x.shape
        if height % 2 != 0 or width % 2 != 0:
            x = functional.pad(x, (0, 0, 0, width % 2, 0, height % 2))
        rows, columns = (height + 1) // 2, (width + 1) // 2
        x = x.view(batch, rows, 2, columns, 2, channels).permute(0, 1, 3, 4, 2, 5)
        return self.reduction(self.norm(x.reshape(batch, rows, columns, 4 * channels)))


class Stage(nn.Module):
    def __init__(self, config: SwinConfig, index: int) -> None:
        super().__init__()
        channels = config.stage_channels(index)
        self.blocks = nn.ModuleList(
            Block(channels, config.heads[index], config.window, shift=block % 2 * (config.window // 2))
            for block in range(config.depths[index])
        )
        self.downsample: PatchMerging | None = PatchMerging(channels) if index + 1 < _STAGES else None

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the stage's tokens and the next stage's input."""
        for block in self.blocks:
            x = block(x)
        if self.downsample is not None:
            return x, self.downsample(x)
        return x, x


class Swin(nn.Module):
    """Image [B,3,H,W], H and W multiples of 4 -> features [B,C,H/4,W/4] .. [B,8C,H/32,W/32], rounded up."""

    def __init__(self, config: SwinConfig) -> None:
        super().__init__()
        self.patch_embed = PatchEmbed(config.channels)
        self.layers = nn.ModuleList(Stage(config, index) for index in range(_STAGES))
        self.norm0 = nn.LayerNorm(config.stage_channels(0))
        self.norm1 = nn.LayerNorm(config.stage_channels(1))
        self.norm2 = nn.LayerNorm(config.stage_channels(2))
        self.norm3 = nn.LayerNorm(config.stage_channels(3))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        x1, x = self.layers[0](self.patch_embed(image))
        x2, x = self.layers[1](x)
        x3, x = self.layers[2](x)
        x4, x = self.layers[3](x)
        return (
            self.norm0(x1).permute(0, 3, 1, 2),
            self.norm1(x2).permute(0, 3, 1, 2),
            self.norm2(x3).permute(0, 3, 1, 2),
            self.norm3(x4).permute(0, 3, 1, 2),
        )
