"""A mask that does not flicker: averaged over time where the picture stands still."""

import torch
import torch.nn.functional as F  # noqa: N812  (everybody's name for it)
from torch import Tensor

# Differences of colours, of 1: below the first it is the camera's noise, from the second on something moved.
_NOISE, _MOTION = 3 / 255, 12 / 255
# What the past weighs at most: after ten frames a third of what changed is left, after thirty a twentieth.
_PAST = 0.9
_NEIGHBOURHOOD = 5


class Steady:
    """Averages masks over time, where the picture stands still.

    With the picture I and the mask a of a frame, and the averages J and b of the frames before::

        d = the mean of max over the colours of |I - J| in 5 x 5 pixels
        w = 0.9 stability (1 - clip((d - 3/255) / (9/255), 0, 1))
        b <- a + w (b - a),  J <- I + w (J - I)

    Where something moves, d is large, w is 0, and the frame's own mask stands. J is averaged as b is, so it shows what
    b belongs to: what creeps by less than the noise a frame adds up, and is seen.
    """

    def __init__(self, stability: float) -> None:
        if not 0 <= stability <= 1:
            raise ValueError(f"stability is {stability}; wanted 0 to 1")
        self._past = _PAST * stability
        self._mask: Tensor | None = None
        self._colours: Tensor | None = None
        self._difference: Tensor | None = None

    def __call__(self, colours: Tensor, mask: Tensor) -> Tensor:
        """Returns the mask for the next frame: colours [H,W,3] and mask [H,W], both float32 0..1."""
        if self._past == 0:
            return mask
        if self._mask is None or self._colours is None or self._difference is None:
            self._mask, self._colours, self._difference = mask, colours.clone(), torch.empty_like(colours)
            return mask
        # Over the same memory frame for frame: pages taken anew each time would cost as much as the arithmetic.
        difference = torch.sub(colours, self._colours, out=self._difference).abs_().amax(2)
        side, margin = _NEIGHBOURHOOD, _NEIGHBOURHOOD // 2
        moved = F.avg_pool2d(difference[None], side, 1, margin, count_include_pad=False)[0]
        moved.sub_(_NOISE).div_(_MOTION - _NOISE).clamp_(0, 1)
        own = moved.mul_(self._past).add_(1 - self._past)  # what the frame itself weighs: 1 - w
        self._colours.lerp_(colours, own[..., None])
        self._mask = torch.lerp(self._mask, mask, own)
        return self._mask
