"""Box: the small network in the box, of our own design, trained on drawn pictures alone (training/).

A U-Net of 3 x 3 convolutions: a residual encoder down to a 32nd of the picture, dilated convolutions there that see all
of it, and a decoder whose last step lies beside the picture itself, so that edges are as sharp as the input. Where it
is in doubt, the picture's own colours decide.
Ronneberger et al., U-Net, MICCAI 2015; Yu and Koltun, Multi-Scale Context Aggregation by Dilated Convolutions, 2016;
Rother et al., GrabCut, SIGGRAPH 2004.
"""

# mypy: no-warn-return-any

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from mattecore.networks.operators import by_colours, coarse, fine, stretch
from mattecore.networks.state_dict import Shapes, shape_of

UNUSED = r"$^"  # a training leaves nothing else in the file


@dataclass(frozen=True)
class BoxConfig:
    width: int  # channels at half the picture's size; those below are multiples of it

    @property
    def divisor(self) -> int:
        return 1

    @property
    def bf16_suffices(self) -> bool:
        return True


def config_from_state_dict(shapes: Shapes) -> BoxConfig:
    return BoxConfig(width=shape_of(shapes, "stem.conv.weight", 4)[0])


class ConvBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, stride, padding=dilation, dilation=dilation, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.norm(self.conv(x)))


class Residual(nn.Module):
    def __init__(self, channels: int, dilation: int = 1) -> None:
        super().__init__()
        self.first = ConvBlock(channels, channels, dilation=dilation)
        self.second = ConvBlock(channels, channels, dilation=dilation)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(self.first(x))


class Join(nn.Module):
    """What comes from below, stretched, beside what was seen on the way down."""

    def __init__(self, below: int, skip: int, outputs: int) -> None:
        super().__init__()
        self.block = ConvBlock(below + skip, outputs)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        return self.block(torch.cat((_enlarge(x, skip), skip), 1))


class Box(nn.Module):
    """Image [B,3,H,W], normalised, any size -> alpha [B,1,H,W]."""

    def __init__(self, config: BoxConfig) -> None:
        super().__init__()
        one, two, three, five = (config.width * factor for factor in (1, 2, 3, 5))
        self.stem = ConvBlock(3, one, stride=2)
        self.down4 = nn.Sequential(ConvBlock(one, two, stride=2), Residual(two))
        self.down8 = nn.Sequential(ConvBlock(two, three, stride=2), Residual(three), Residual(three))
        self.down16 = nn.Sequential(ConvBlock(three, five, stride=2), Residual(five), Residual(five))
        self.down32 = nn.Sequential(ConvBlock(five, five, stride=2), *(Residual(five, 2**k) for k in range(3)))
        self.up16 = Join(five, five, three)
        self.up16_more = Residual(three)
        self.up8 = Join(three, three, two)
        self.up8_more = Residual(two)
        self.up4 = Join(two, two, one)
        self.up2 = Join(one, one, one // 2)
        self.up1 = Join(one // 2, 3, one // 2)
        self.alpha = nn.Conv2d(one // 2, 1, 3, padding=1)
        self.colours: Tensor
        self.register_buffer("colours", torch.tensor([3.0]))  # how much they count, beside the logits

    def forward(self, image: Tensor) -> Tensor:
        logit = self.logit(image)
        return by_colours(logit, fine(image) * 0.25 + 0.5, self.colours)  # 0..1 again: prepared with 0.5 and 0.25

    def logit(self, image: Tensor) -> Tensor:
        x2 = coarse(self.stem(fine(image)))  # bf16 keeps no more than the image's 8 bits
        x4 = self.down4(x2)
        x8 = self.down8(x4)
        x16 = self.down16(x8)
        x = self.down32(x16)
        x = self.up16_more(self.up16(x, x16))
        x = self.up8_more(self.up8(x, x8))
        x = self.up4(x, x4)
        x = self.up2(x, x2)
        x = self.up1(x, image)
        return self.alpha(x)


def _enlarge(x: Tensor, like: Tensor) -> Tensor:
    if torch.jit.is_scripting():  # type: ignore[attr-defined]
        return stretch(x, like)
    return _enlarge_learning(x, like)


@torch.jit.unused
def _enlarge_learning(x: Tensor, like: Tensor) -> Tensor:
    """The same with a gradient, which arrives as a part of the joined one: four times as slow to pass on as a whole."""
    larger = functional.interpolate(x, like.shape[-2:], mode="bilinear")
    if larger.requires_grad:
        larger.register_hook(lambda gradient: gradient.contiguous(memory_format=torch.channels_last))  # type: ignore[no-untyped-call]
    return larger
