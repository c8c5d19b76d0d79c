"""VITMatte: a plain vision transformer beside a small convolution stream, for matting with a trimap.

Yao et al., ViTMatte: Boosting image matting with pretrained plain vision transformers, Information Fusion 2024, on the
backbone of Li et al., Exploring plain vision transformer backbones for object detection (ViTDet), ECCV 2022.
The names of the tensors are Hugging Face's; hugging_face_name translates those of the original repository.
"""

# mypy: no-warn-return-any

import itertools
import math
import re
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from mattecore.networks.operators import attention_decomposed_relpos, join_doubled
from mattecore.networks.state_dict import Shapes, StateDictError, shape_of

UNUSED = r"(?!)"

_PATCH = 16

# The decoder's maps have the size of the picture and up to 132 channels, so it works through a large picture in bands
# of about this many pixels; bands of fewer rows than this would spend too much on the rows they share.
_BAND_PIXELS = 1 << 18
_BAND_ROWS = 128


@dataclass(frozen=True)
class VITMatteConfig:
    channels: int  # of a token
    heads: int
    window: int  # side of a local block's windows, in tokens; the first block is local
    tables: tuple[int, ...]  # rows of each block's tables of relative positions
    global_blocks: tuple[int, ...]  # attend over the whole map, and end with a residual bottleneck
    image_channels: int  # RGB and trimap
    positions: int  # rows of the absolute position table, one of them for a class token that is not used

    @property
    def divisor(self) -> int:
        """Pictures are padded to multiples of this, as in training; the network itself takes multiples of 16."""
        return 32

    @property
    def bf16_suffices(self) -> bool:
        return True


def config_from_state_dict(shapes: Shapes) -> VITMatteConfig:
    layer = "backbone.encoder.layer.{}."
    table = f"{layer}attention.rel_pos_h".format
    channels, image_channels, *_ = shape_of(shapes, "backbone.embeddings.projection.weight", 4)
    _, positions, _ = shape_of(shapes, "backbone.embeddings.position_embeddings", 3)
    if math.isqrt(positions - 1) ** 2 != positions - 1:
        raise StateDictError(f"tensor backbone.embeddings.position_embeddings has {positions} rows, not a square + 1")
    local_rows, head_channels = shape_of(shapes, table(0), 2)
    if channels % head_channels != 0:
        raise StateDictError(f"tensor {table(0)} has {head_channels} columns for {channels} channels")
    depth = next(block for block in itertools.count(1) if table(block) not in shapes)
    return VITMatteConfig(
        channels=channels,
        heads=channels // head_channels,
        window=(local_rows + 1) // 2,
        tables=tuple(shape_of(shapes, table(block), 2)[0] for block in range(depth)),
        global_blocks=tuple(i for i in range(depth) if f"{layer}residual.conv1.weight".format(i) in shapes),
        image_channels=image_channels,
        positions=positions,
    )


def hugging_face_name(name: str) -> str:
    """Translate a name of the original repository's checkpoints; other names are returned as they are."""
    for original, translated in (
        (r"^backbone\.pos_embed$", "backbone.embeddings.position_embeddings"),
        (r"^backbone\.patch_embed\.proj\.", "backbone.embeddings.projection."),
        (r"^backbone\.blocks\.(\d+)\.attn\.", r"backbone.encoder.layer.\1.attention."),
        (r"^backbone\.blocks\.", "backbone.encoder.layer."),
        (r"^decoder\.fusion_blks\.", "decoder.fusion_blocks."),
        (r"^(decoder\..*)\.bn\.", r"\1.batch_norm."),
    ):
        name = re.sub(original, translated, name)
    return name


class Embeddings(nn.Module):
    """Image [B,C,16h,16w] -> tokens [B,h,w,channels]."""

    def __init__(self, config: VITMatteConfig) -> None:
        super().__init__()
        self.grid = math.isqrt(config.positions - 1)
        self.projection = nn.Conv2d(config.image_channels, config.channels, _PATCH, stride=_PATCH)
        self.position_embeddings = nn.Parameter(torch.empty(1, config.positions, config.channels))

    def forward(self, image: Tensor) -> Tensor:
        tokens = self.projection(image)
        positions = self.position_embeddings[:, 1:].transpose(1, 2).reshape(1, -1, self.grid, self.grid)
        if positions.shape[2:] != tokens.shape[2:]:
            positions = functional.interpolate(positions, size=tokens.shape[2:], mode="bicubic", align_corners=False)
        return _tokens(tokens + positions).contiguous()


class Attention(nn.Module):
    """Attention over windows of the map, padded with what a zero token maps to; window 0 is the whole map."""

    def __init__(self, channels: int, heads: int, table: int, window: int) -> None:
        super().__init__()
        self.heads = heads
        self.window = window
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)
        self.rel_pos_h = nn.Parameter(torch.empty(table, channels // heads))
        self.rel_pos_w = nn.Parameter(torch.empty(table, channels // heads))

    def forward(self, x: Tensor) -> Tensor:
        # A zero token of the padding becomes the bias of the map to queries, keys and values.
        attended = attention_decomposed_relpos(
            self.qkv(x), self.rel_pos_h, self.rel_pos_w, self.qkv.bias, self.heads, self.window
        )
        return self.proj(attended)


class MLP(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels, 4 * channels)
        self.fc2 = nn.Linear(4 * channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(functional.gelu(self.fc1(x)))


class ResidualBottleneck(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        middle = channels // 2
        self.conv1 = nn.Conv2d(channels, middle, 1, bias=False)
        self.norm1 = nn.LayerNorm(middle, eps=1e-6)
        self.conv2 = nn.Conv2d(middle, middle, 3, padding=1, bias=False)
        self.norm2 = nn.LayerNorm(middle, eps=1e-6)
        self.conv3 = nn.Conv2d(middle, channels, 1, bias=False)
        self.norm3 = nn.LayerNorm(channels, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.gelu(self.norm1(_tokens(self.conv1(_channels(x)))))
        y = functional.gelu(self.norm2(_tokens(self.conv2(_channels(y)))))
        return x + self.norm3(_tokens(self.conv3(_channels(y))))


def _channels(tokens: Tensor) -> Tensor:
    """[B,H,W,C] -> [B,C,H,W], a view that convolutions take as channels last."""
    return tokens.permute(0, 3, 1, 2)


def _tokens(channels: Tensor) -> Tensor:
    """[B,C,H,W] -> [B,H,W,C], a view."""
    return channels.permute(0, 2, 3, 1)


class Block(nn.Module):
    def __init__(self, config: VITMatteConfig, index: int) -> None:
        super().__init__()
        everywhere = index in config.global_blocks
        self.norm1 = nn.LayerNorm(config.channels, eps=1e-6)
        self.attention = Attention(
            config.channels, config.heads, config.tables[index], window=0 if everywhere else config.window
        )
        self.norm2 = nn.LayerNorm(config.channels, eps=1e-6)
        self.mlp = MLP(config.channels)
        self.residual: ResidualBottleneck | None = ResidualBottleneck(config.channels) if everywhere else None

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm1(x))
        x = x + self.mlp(self.norm2(x))
        if self.residual is not None:
            x = self.residual(x)
        return x


class Encoder(nn.Module):
    def __init__(self, config: VITMatteConfig) -> None:
        super().__init__()
        self.layer = nn.ModuleList(Block(config, index) for index in range(len(config.tables)))

    def forward(self, x: Tensor) -> Tensor:
        for block in self.layer:
            x = block(x)
        return x


class Backbone(nn.Module):
    """Image [B,4,16h,16w] -> features [B,channels,h,w]; there is no norm after the last block."""

    def __init__(self, config: VITMatteConfig) -> None:
        super().__init__()
        self.embeddings = Embeddings(config)
        self.encoder = Encoder(config)

    def forward(self, image: Tensor) -> Tensor:
        return _channels(self.encoder(self.embeddings(image)))


class ConvBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.batch_norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.batch_norm(self.conv(x)))


class ConvStream(nn.Module):
    """Details at 1/2, 1/4 and 1/8 of the image's size."""

    def __init__(self, image_channels: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            [ConvBlock(image_channels, 48, stride=2), ConvBlock(48, 96, stride=2), ConvBlock(96, 192, stride=2)]
        )

    def forward(self, image: Tensor) -> list[Tensor]:
        details = [image]
        for conv in self.convs:
            details.append(conv(details[-1]))
        return details


class Fusion(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = ConvBlock(inputs, outputs)

    def forward(self, x: Tensor, detail: Tensor, skip: int) -> Tensor:
        """Fuse a detail with x enlarged, of which it lies skip rows from the top."""
        return self.conv(join_doubled(detail, x, skip))


class MattingHead(nn.Module):
    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.matting_convs = nn.Sequential(
            nn.Conv2d(inputs, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 1, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.matting_convs(x)


class Decoder(nn.Module):
    """Features [B,channels,h,w] and image [B,4,16h,16w] -> alpha [B,1,16h,16w]."""

    def __init__(self, config: VITMatteConfig) -> None:
        super().__init__()
        self.band_pixels = _BAND_PIXELS
        self.band_rows = _BAND_ROWS
        self.convstream = ConvStream(config.image_channels)
        self.fusion_blocks = nn.ModuleList(
            [
                Fusion(config.channels + 192, 256),
                Fusion(256 + 96, 128),
                Fusion(128 + 48, 64),
                Fusion(64 + config.image_channels, 32),
            ]
        )
        self.matting_head = MattingHead(32)

    def forward(self, features: Tensor, image: Tensor) -> Tensor:
        height, width = image.size(2), image.size(3)
        rows = max(self.band_rows, self.band_pixels // width)
        if rows >= height:
            return self.band(features, image, 0, height)
        alpha = image.new_empty(image.size(0), 1, height, width)
        for top in range(0, height, rows):
            bottom = min(height, top + rows)
            alpha[:, :, top:bottom] = self.band(features, image, top, bottom)
        return alpha

    def band(self, features: Tensor, image: Tensor, top: int, bottom: int) -> Tensor:
        """Compute rows top to bottom of alpha from no more rows of each level than they depend on.

        A convolution reads a row more on either side, and so does an enlargement, of the level below.
        """
        height = image.size(2)
        fused = [(max(0, top - 1), min(height, bottom + 1))]  # rows of the maps at 1/1, 1/2, 1/4, 1/8 and 1/16
        read: list[tuple[int, int]] = []  # rows that their convolutions read
        for level in range(4):
            size = height >> level
            begin, end = max(0, fused[level][0] - 1), min(size, fused[level][1] + 1)
            read.append((begin, end))
            fused.append((max(0, begin // 2 - 1), min(size // 2, (end + 1) // 2 + 1)))

        start = 8 * max(0, read[3][0] - 1)
        details = self.convstream(image[:, :, start : 8 * read[3][1]])
        x = features[:, :, fused[4][0] : fused[4][1]]
        level = 4
        for fusion in self.fusion_blocks:
            below = fused[level][0]
            level -= 1
            begin, end = read[level]
            detail = details.pop()[:, :, begin - (start >> level) : end - (start >> level)]
            x = fusion(x, detail, begin - 2 * below)[:, :, fused[level][0] - begin : fused[level][1] - begin]
        alpha = torch.sigmoid(self.matting_head(x))
        return alpha[:, :, top - fused[0][0] : bottom - fused[0][0]]


class VITMatte(nn.Module):
    """Image and trimap [B,4,H,W], H and W multiples of 16, trained with multiples of 32 -> alpha [B,1,H,W]."""

    def __init__(self, config: VITMatteConfig) -> None:
        super().__init__()
        self.patch = _PATCH
        self.backbone = Backbone(config)
        self.decoder = Decoder(config)

    def forward(self, image: Tensor) -> Tensor:
        height, width = image.size(2), image.size(3)
        if height % self.patch != 0 or width % self.patch != 0:
            raise ValueError(
                f"VITMatte takes multiples of {self.patch} pixels, not {width} x {height}: pad the picture"
            )
        return self.decoder(self.backbone(image), image)
