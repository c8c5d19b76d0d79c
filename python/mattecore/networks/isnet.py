"""IS-Net: nested U-structures for dichotomous segmentation, the network of RMBG-1.4 and of DIS isnet-general-use.

Qin et al., Highly Accurate Dichotomous Image Segmentation, ECCV 2022, whose blocks are those of
Qin et al., U2-Net: Going Deeper with Nested U-Structure for Salient Object Detection, Pattern Recognition 2020.
"""

# mypy: no-warn-return-any

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from mattecore.networks.operators import half, stretch
from mattecore.networks.state_dict import Shapes, shape_of

# Deep supervision of the training, and a pooling that the published forward pass leaves out.
UNUSED = r"side[2-6]\.|pool_in\."


@dataclass(frozen=True)
class ISNetConfig:
    image_channels: int

    @property
    def divisor(self) -> int:
        return 1

    @property
    def bf16_suffices(self) -> bool:
        return True


def config_from_state_dict(shapes: Shapes) -> ISNetConfig:
    return ISNetConfig(image_channels=shape_of(shapes, "conv_in.weight", 4)[1])


class ConvBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int, dilation: int = 1) -> None:
        super().__init__()
        self.conv_s1 = nn.Conv2d(inputs, outputs, 3, padding=dilation, dilation=dilation)
        self.bn_s1 = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.bn_s1(self.conv_s1(x)))


class ResidualU(nn.ModuleDict):
    """RSU-depth: a small U-Net around its own input. Without pooling (RSU-4F) it widens by dilation instead.

    The blocks run in the order they are listed: in, 1 .. depth down, then (depth-1)d .. 1d up.
    """

    def __init__(self, depth: int, inputs: int, middle: int, outputs: int, pooled: bool = True) -> None:
        super().__init__()
        self.depth = depth
        self.pooled = pooled
        self["rebnconvin"] = ConvBlock(inputs, outputs)
        for level in range(1, depth + 1):
            dilation = (2 if level == depth else 1) if pooled else 2 ** (level - 1)
            self[f"rebnconv{level}"] = ConvBlock(outputs if level == 1 else middle, middle, dilation)
        for level in range(depth - 1, 0, -1):
            dilation = 1 if pooled else 2 ** (level - 1)
            self[f"rebnconv{level}d"] = ConvBlock(2 * middle, outputs if level == 1 else middle, dilation)

    def forward(self, x: Tensor) -> Tensor:
        residual = self["rebnconvin"](x)
        skips: list[Tensor] = []
        x = residual
        for name, block in self.items():
            if name.endswith("d"):
                x = block(_beside(x, skips.pop()))
            elif name != "rebnconvin":
                if name != "rebnconv1":
                    skips.append(x)
                    if self.pooled and len(skips) < self.depth - 1:
                        x = half(x)
                x = block(x)
        return x + residual


class ISNet(nn.Module):
    """Image [B,3,H,W], minus 0.5, any size -> probability of foreground [B,1,H,W]."""

    def __init__(self, config: ISNetConfig) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(config.image_channels, 64, 3, stride=2, padding=1)
        self.stage1 = ResidualU(7, 64, 32, 64)
        self.stage2 = ResidualU(6, 64, 32, 128)
        self.stage3 = ResidualU(5, 128, 64, 256)
        self.stage4 = ResidualU(4, 256, 128, 512)
        self.stage5 = ResidualU(4, 512, 256, 512, pooled=False)
        self.stage6 = ResidualU(4, 512, 256, 512, pooled=False)
        self.stage5d = ResidualU(4, 1024, 256, 512, pooled=False)
        self.stage4d = ResidualU(4, 1024, 128, 256)
        self.stage3d = ResidualU(5, 512, 64, 128)
        self.stage2d = ResidualU(6, 256, 32, 64)
        self.stage1d = ResidualU(7, 128, 16, 64)
        self.side1 = nn.Conv2d(64, 1, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        x1 = self.stage1(self.conv_in(image))
        x2 = self.stage2(half(x1))
        x3 = self.stage3(half(x2))
        x4 = self.stage4(half(x3))
        x5 = self.stage5(half(x4))
        x = self.stage6(half(x5))
        x = self.stage5d(_beside(x, x5))
        x = self.stage4d(_beside(x, x4))
        x = self.stage3d(_beside(x, x3))
        x = self.stage2d(_beside(x, x2))
        x = self.stage1d(_beside(x, x1))
        return torch.sigmoid(stretch(self.side1(x), image))


def _beside(x: Tensor, skip: Tensor) -> Tensor:
    return torch.cat((stretch(x, skip), skip), 1)
