"""Between a video's colours and RGB: which matrix and which range they are in, and what else they say of themselves."""

from dataclasses import dataclass

import av
import numpy as np
import torch
from torch import Tensor

# AVColorSpace -> the matrix as swscale numbers it.
_BT709, _BT601 = 1, 5
_MATRICES = {1: _BT709, 4: 4, 5: _BT601, 6: _BT601, 7: 7, 9: 9, 10: 9}
# The matrix as swscale numbers it -> AVColorSpace.
_SPACES = {_BT709: 1, 4: 4, _BT601: 6, 7: 7, 9: 9}
_LIMITED, _FULL = 1, 2  # AVColorRange


@dataclass(frozen=True)
class Colours:
    """How a video's numbers stand for colours. What is not said is what players take: BT.709 from 720 lines on."""

    matrix: int
    is_full_range: bool
    primaries: int
    transfer: int
    has_alpha: bool
    bits: int  # of a value

    @classmethod
    def of(cls, frame: av.VideoFrame, decoder: av.VideoCodecContext) -> "Colours":
        """Returns a frame's, and what only its decoder knows in every version of PyAV."""
        guessed = _BT709 if min(frame.width, frame.height) >= 720 or frame.format.is_rgb else _BT601
        components = frame.format.components
        return cls(
            _MATRICES.get(int(frame.colorspace), guessed),
            int(frame.color_range) == _FULL or frame.format.name.startswith("yuvj"),
            int(decoder.color_primaries),
            int(decoder.color_trc),
            any(component.is_alpha for component in components),
            max(component.bits for component in components),
        )

    def to_rgb(self, frame: av.VideoFrame, width: int, height: int) -> Tensor:
        """Returns a frame as [H,W,3|4], of 16 bits where it has more than 8."""
        array = frame.to_ndarray(
            format=("rgba" if self.has_alpha else "rgb24") if self.bits <= 8 else self._wide(self.has_alpha),
            width=width,
            height=height,
            src_colorspace=self.matrix,
            dst_colorspace=_BT601,  # of RGB, where it means nothing
            src_color_range=_FULL if self.is_full_range else _LIMITED,
            dst_color_range=_FULL,
        )
        return torch.from_numpy(np.array(array))

    def from_rgb(self, pixels: Tensor, pixel_format: str) -> av.VideoFrame:
        """Returns [H,W,1|3|4] of 8 or 16 bits as a frame of limited range, which every player expects."""
        colours = pixels.expand(-1, -1, 3) if pixels.shape[2] == 1 else pixels
        has_alpha = colours.shape[2] == 4
        narrow = "rgba" if has_alpha else "rgb24"
        rgb = av.VideoFrame.from_ndarray(
            colours.contiguous().numpy(), narrow if pixels.dtype == torch.uint8 else self._wide(has_alpha)
        )
        return rgb.reformat(
            format=pixel_format,
            src_colorspace=_BT601,
            dst_colorspace=self.matrix,
            src_color_range=_FULL,
            dst_color_range=_LIMITED,
        )

    def describe(self, context: av.VideoCodecContext) -> None:
        """Writes into an encoder what from_rgb's frames are."""
        context.colorspace = _SPACES[self.matrix]
        context.color_range = _LIMITED
        context.color_primaries = self.primaries
        context.color_trc = self.transfer

    @staticmethod
    def _wide(has_alpha: bool) -> str:
        return "rgba64le" if has_alpha else "rgb48le"
