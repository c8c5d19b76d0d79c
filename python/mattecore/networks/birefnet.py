"""BiRefNet: a Swin backbone at two scales, and a decoder that looks back at patches of the picture at every level.

Zheng et al., Bilateral Reference for High-Resolution Dichotomous Image Segmentation, CAAI AIR 2024. The deformable
pyramid follows Chen et al., Rethinking Atrous Convolution (DeepLabv3), 2017, with
Zhu et al., Deformable ConvNets v2, CVPR 2019. All resizing is bilinear with aligned corners.

Two generations of checkpoints are in use; the legacy one (ep480) has no patches at the deepest level, one deformable
branch instead of three, no gate at level 4, and orders the patches' channels differently.
"""

# mypy: no-warn-return-any

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from mattecore.networks import swin
from mattecore.networks.operators import coarse, deform_conv2d, fine, mean, stretch
from mattecore.networks.state_dict import Shapes, shape_of

# Heads of the training's losses, and index tables that follow from the shapes.
UNUSED = r"decoder\.conv_ms_spvn_\d\.|decoder\.gdt_convs_pred_\d\.|bb\..*\.relative_position_index$|bb\..*\.attn_mask$"

_MIDDLE = 64  # channels inside a decoder block
_BRANCH = 256  # channels of a branch of the deformable pyramid


@dataclass(frozen=True)
class BiRefNetConfig:
    backbone: swin.SwinConfig
    kernels: tuple[int, ...]  # of the deformable branches
    deepest_patches: bool  # the deepest level sees patches of the picture too
    deepest_gate: bool  # and its output is gated
    whole_patches: bool  # channels of the patches are (column, row, RGB), else (RGB, row, column)

    @property
    def divisor(self) -> int:
        """Height and width of an input are multiples of this: the picture is cut into patches of the levels' sizes."""
        return 32 if self.deepest_patches else 16

    @property
    def bf16_suffices(self) -> bool:
        """Not for the lite networks: on tests/data/networks they end up 4/255 from exact in the mean, and no one layer
        is to blame. Swin-L, twice as wide, stays within 0.3/255.
        """
        return self.backbone.channels >= 192


def config_from_state_dict(shapes: Shapes) -> BiRefNetConfig:
    branch = "decoder.decoder_block4.dec_att.aspp_deforms.{}.atrous_conv.regular_conv.weight".format
    branches = [branch(i) for i in itertools.takewhile(lambda i: branch(i) in shapes, itertools.count())]
    current = "decoder.ipt_blk5.conv1.weight" in shapes
    return BiRefNetConfig(
        backbone=swin.config_from_state_dict(shapes, "bb."),
        kernels=tuple(shape_of(shapes, name, 4)[-1] for name in branches),
        deepest_patches=current,
        deepest_gate="decoder.gdt_convs_4.0.weight" in shapes,
        whole_patches=not current,
    )


class Norm(nn.BatchNorm2d):
    """Batch normalisation that does not ask for its input's rank: the question would keep it from being folded."""

    def _check_input_dim(self, x: Tensor) -> None:
        pass


class Mean(nn.Module):
    """[B,C,H,W] -> [B,C,1,1]."""

    def forward(self, x: Tensor) -> Tensor:
        return mean(x)


class DeformableConv(nn.Module):
    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.padding = kernel // 2
        self.offset_conv = nn.Conv2d(inputs, 2 * kernel * kernel, kernel, padding=self.padding)
        self.modulator_conv = nn.Conv2d(inputs, kernel * kernel, kernel, padding=self.padding)
        self.regular_conv = nn.Conv2d(inputs, outputs, kernel, padding=self.padding, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        mask = 2 * torch.sigmoid(self.modulator_conv(x))
        return deform_conv2d(x, self.offset_conv(x), mask, self.regular_conv.weight, self.padding)


class DeformableBranch(nn.Module):
    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.atrous_conv = DeformableConv(inputs, outputs, kernel)
        self.bn = Norm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.bn(self.atrous_conv(x)))


class DeformablePyramid(nn.Module):
    """Deformable branches of growing reach and the mean of the whole map, mixed by a 1 x 1 convolution.

    The convolution of the branches side by side is the sum of its shares of each, so they are never joined.
    """

    def __init__(self, channels: int, kernels: Sequence[int]) -> None:
        super().__init__()
        self.width = _BRANCH
        self.aspp1 = DeformableBranch(channels, _BRANCH, 1)
        self.aspp_deforms = nn.ModuleList(DeformableBranch(channels, _BRANCH, kernel) for kernel in kernels)
        self.global_avg_pool = nn.Sequential(
            Mean(), nn.Conv2d(channels, _BRANCH, 1, bias=False), nn.BatchNorm2d(_BRANCH), nn.ReLU()
        )
        self.conv1 = nn.Conv2d((len(kernels) + 2) * _BRANCH, channels, 1, bias=False)
        self.bn1 = Norm(channels)

    def forward(self, x: Tensor) -> Tensor:
        mixed = self.share(self.aspp1(x), 0)
        for index, branch in enumerate(self.aspp_deforms):
            mixed = mixed + self.share(branch(x), 1 + index)
        mixed = mixed + self.share(self.global_avg_pool(x), 1 + len(self.aspp_deforms))
        return functional.relu(self.bn1(mixed))

    def share(self, branch: Tensor, index: int) -> Tensor:
        return functional.conv2d(branch, self.conv1.weight[:, index * self.width : (index + 1) * self.width])


class DecoderBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int, kernels: Sequence[int]) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(inputs, _MIDDLE, 3, padding=1)
        self.bn_in = nn.BatchNorm2d(_MIDDLE)
        self.dec_att = DeformablePyramid(_MIDDLE, kernels)
        self.conv_out = nn.Conv2d(_MIDDLE, outputs, 3, padding=1)
        self.bn_out = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = fine(functional.relu(self.bn_in(self.conv_in(x))))
        return self.bn_out(self.conv_out(self.dec_att(x)))


class PatchConvs(nn.Module):
    """Two convolutions of the picture's patches, with nothing between them."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, _MIDDLE, 3, padding=1)
        self.conv_out = nn.Conv2d(_MIDDLE, outputs, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv_out(self.conv1(x))


class Lateral(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


def _gate(channels: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU())


def _gate_head() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(16, 1, 1))


class Decoder(nn.Module):
    """Picture and its features at 1/4, 1/8, 1/16 and 1/32 -> logits [B,1,H,W]."""

    def __init__(self, config: BiRefNetConfig) -> None:
        super().__init__()
        c1, c2, c3, c4 = (2 * config.backbone.stage_channels(stage) for stage in range(4))
        # Channels made of the patches, at levels 1 to 4; the deepest, 5, has as many as 4.
        seen = (c1 // 8, c2 // 8, c3 // 8, c4 // 8)
        self.whole_patches = config.whole_patches
        self.ipt_blk5: PatchConvs | None = PatchConvs(3 * 32**2, seen[3]) if config.deepest_patches else None
        self.ipt_blk4 = PatchConvs(3 * 16**2, seen[3])
        self.ipt_blk3 = PatchConvs(3 * 8**2, seen[2])
        self.ipt_blk2 = PatchConvs(3 * 4**2, seen[1])
        self.ipt_blk1 = PatchConvs(3, seen[0])
        deepest = c4 + seen[3] if config.deepest_patches else c4
        self.decoder_block4 = DecoderBlock(deepest, c3, config.kernels)
        self.decoder_block3 = DecoderBlock(c3 + seen[3], c2, config.kernels)
        self.decoder_block2 = DecoderBlock(c2 + seen[2], c1, config.kernels)
        self.decoder_block1 = DecoderBlock(c1 + seen[1], c1 // 2, config.kernels)
        self.lateral_block4 = Lateral(c3)
        self.lateral_block3 = Lateral(c2)
        self.lateral_block2 = Lateral(c1)
        self.gdt_convs_4: nn.Sequential | None = _gate(c3) if config.deepest_gate else None
        self.gdt_convs_attn_4: nn.Sequential | None = _gate_head() if config.deepest_gate else None
        self.gdt_convs_3 = _gate(c2)
        self.gdt_convs_attn_3 = _gate_head()
        self.gdt_convs_2 = _gate(c1)
        self.gdt_convs_attn_2 = _gate_head()
        self.decoded = c1 // 2
        self.conv_out1 = nn.Sequential(nn.Conv2d(self.decoded + seen[0], 1, 1))

    def forward(self, image: Tensor, x1: Tensor, x2: Tensor, x3: Tensor, x4: Tensor) -> Tensor:
        if self.ipt_blk5 is not None:
            x4 = torch.cat((x4, coarse(self.ipt_blk5(self.patches(image, x4)))), 1)
        x = coarse(self.decoder_block4(x4))
        if self.gdt_convs_4 is not None and self.gdt_convs_attn_4 is not None:
            x = x * torch.sigmoid(self.gdt_convs_attn_4(self.gdt_convs_4(x)))
        x = _resize(x, x3) + self.lateral_block4(x3)

        x = coarse(self.decoder_block3(torch.cat((x, coarse(self.ipt_blk4(self.patches(image, x)))), 1)))
        x = x * torch.sigmoid(self.gdt_convs_attn_3(self.gdt_convs_3(x)))
        x = _resize(x, x2) + self.lateral_block3(x2)

        x = coarse(self.decoder_block2(torch.cat((x, coarse(self.ipt_blk3(self.patches(image, x)))), 1)))
        x = x * torch.sigmoid(self.gdt_convs_attn_2(self.gdt_convs_2(x)))
        x = _resize(x, x1) + self.lateral_block2(x1)

        x = self.decoder_block1(torch.cat((x, coarse(self.ipt_blk2(self.patches(image, x)))), 1))
        return self.logits(x, image)

    def patches(self, image: Tensor, like: Tensor) -> Tensor:
        """Cut the picture into tiles of the size of like and stack them along the channels."""
        batch, channels, height, width = image.shape
        rows, columns = height // like.size(2), width // like.size(3)
        tiles = image.reshape(batch, channels, rows, like.size(2), columns, like.size(3))
        tiles = tiles.permute(0, 4, 2, 1, 3, 5) if self.whole_patches else tiles.transpose(3, 4)
        return tiles.reshape(batch, channels * rows * columns, like.size(2), like.size(3))

    def logits(self, x: Tensor, image: Tensor) -> Tensor:
        """Compute conv_out1 of x, enlarged, beside ipt_blk1 of the picture, without these maps of the picture's size.

        A 1 x 1 convolution and a bilinear enlargement may change places, so x becomes one channel first. Nor is there
        anything but convolutions between the picture and its share, 3 x 3, 3 x 3 and 1 x 1: they merge into one, 5 x 5.
        Only at the border, where a pad of zeros comes between the first two, they are computed one by one.
        """
        out = getattr(self.conv_out1, "0")
        enlarged = _resize(functional.conv2d(x, out.weight[:, : self.decoded], out.bias), image)

        first, second = self.ipt_blk1.conv1, self.ipt_blk1.conv_out
        first_bias, second_bias = first.bias, second.bias
        assert first_bias is not None
        assert second_bias is not None
        share = out.weight[:, self.decoded :, 0, 0]
        weight, bias = torch.tensordot(share, second.weight, dims=1), share @ second_bias
        merged = functional.conv_transpose2d(weight, first.weight)
        seen = functional.conv2d(image, merged, bias + weight.sum((2, 3)) @ first_bias, padding=2)
        seen[:, :, :1] = self.seen_singly(image[:, :, :3], weight, bias)[:, :, :1]
        seen[:, :, -1:] = self.seen_singly(image[:, :, -3:], weight, bias)[:, :, -1:]
        seen[..., :1] = self.seen_singly(image[..., :3], weight, bias)[..., :1]
        seen[..., -1:] = self.seen_singly(image[..., -3:], weight, bias)[..., -1:]
        return enlarged + seen

    def seen_singly(self, image: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return functional.conv2d(self.ipt_blk1.conv1(image), weight, bias, padding=1)


class BiRefNet(nn.Module):
    """Image [B,3,H,W], ImageNet-normalised, H and W multiples of the config's divisor -> logits [B,1,H,W]."""

    def __init__(self, config: BiRefNetConfig) -> None:
        super().__init__()
        self.divisor = config.divisor
        self.bb = swin.Swin(config.backbone)
        deepest = 2 * config.backbone.stage_channels(3)
        context = sum(2 * config.backbone.stage_channels(stage) for stage in range(3))
        self.squeeze_module = nn.Sequential(DecoderBlock(context + deepest, deepest, config.kernels))
        self.decoder = Decoder(config)

    def forward(self, image: Tensor) -> Tensor:
        height, width = image.size(2), image.size(3)
        if height % self.divisor != 0 or width % self.divisor != 0:
            raise ValueError(
                f"this BiRefNet takes multiples of {self.divisor} pixels, not {width} x {height}: resize the picture"
            )
        image = fine(image)  # its 8 bits are all that bf16 keeps
        x1, x2, x3, x4 = self.bb(image)
        half = stretch(image, image[:, :, ::2, ::2], align_corners=True)
        h1, h2, h3, h4 = self.bb(half)
        x1 = torch.cat((x1, _resize(h1, x1)), 1)
        x2 = torch.cat((x2, _resize(h2, x2)), 1)
        x3 = torch.cat((x3, _resize(h3, x3)), 1)
        x4 = torch.cat((x4, _resize(h4, x4)), 1)
        x4 = coarse(self.squeeze_module(torch.cat((_resize(x1, x4), _resize(x2, x4), _resize(x3, x4), x4), 1)))
        return self.decoder(image, x1, x2, x3, x4)


def _resize(x: Tensor, like: Tensor) -> Tensor:
    return stretch(x, like, align_corners=True)
