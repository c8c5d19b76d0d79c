"""The operators that torch has no fitting kernel for: those of the native module, torch.ops.mattecore.

They are there once mattecore._native.load() has been called, which building a network does. Token maps are [B,H,W,C]
throughout; so are maps of queries, keys and values, their last axis being (3, heads, C/heads).
"""

# mypy: no-warn-return-any

import torch
from torch import Tensor


def fine(x: Tensor) -> Tensor:
    """Return x; what is made of it is computed more finely than in bf16, where that is what the network computes in."""
    return torch.ops.mattecore.fine(x) if torch.jit.is_scripting() else x  # type: ignore[attr-defined]


def coarse(x: Tensor) -> Tensor:
    """Return x; what is made of it needs no more than the network's own arithmetic. Join maps of one kind only."""
    return torch.ops.mattecore.coarse(x) if torch.jit.is_scripting() else x  # type: ignore[attr-defined]


def half(x: Tensor) -> Tensor:
    """Halve maps [B,C,H,W] by the maximum of 2 x 2 pixels, rounding sizes up."""
    return torch.ops.mattecore.half(x)


def join_doubled(detail: Tensor, x: Tensor, first: int) -> Tensor:
    """Detail [B,D,H,W] and beside it rows first to first + H of x [B,C,h,w] stretched bilinearly to twice its size."""
    return torch.ops.mattecore.join_doubled(detail, x, first)


def mean(x: Tensor) -> Tensor:
    """The mean of each map [B,C,H,W] as [B,C,1,1]: the same bytes for any number of threads."""
    return torch.ops.mattecore.mean(x)


def stretch(x: Tensor, like: Tensor, align_corners: bool = False) -> Tensor:
    """Stretch maps [B,C,h,w] bilinearly to the height and width of like."""
    return torch.ops.mattecore.stretch(x, like, align_corners)


def by_colours(logits: Tensor, picture: Tensor, weight: Tensor) -> Tensor:
    """Alpha [B,1,H,W] of its logits and of the colours of the picture [B,3,H,W], RGB in 0..1.

    Where the logits are in doubt, a pixel goes with those of its colour: the frequencies of colours inside alpha and
    outside are estimated and used in turn (Rother et al., GrabCut, SIGGRAPH 2004), softly and on a lattice. weight, one
    number, is how much they count beside the logits.
    """
    return torch.ops.mattecore.by_colours(logits, picture, weight)


def deform_conv2d(x: Tensor, offset: Tensor, mask: Tensor, weight: Tensor, padding: int) -> Tensor:
    """Deformable convolution v2 with stride 1 and without bias (Zhu et al., Deformable ConvNets v2, CVPR 2019).

    x [B,C,H,W]; weight [O,C,kh,kw] with K = kh * kw taps in row order; offset [B,2K,Ho,Wo], (dy, dx) a tap, in pixels;
    mask [B,K,Ho,Wo] scales the samples, which are bilinear with zeros outside. Returns [B,O,Ho,Wo], channels last.
    Positions are computed in float32 whatever the type of x; one that is not a number is outside.
    """
    return torch.ops.mattecore.deform_conv2d(x, offset, mask, weight, padding)


def window_attention(qkv: Tensor, padding: Tensor, bias: Tensor, window: int, shift: int) -> Tensor:
    """Attention within (shifted) windows with a relative position bias (Liu et al., Swin Transformer, ICCV 2021).

    qkv [B,H,W,3C] is padded at the bottom and right to whole windows with the vector padding [3C], what a zero token
    maps to; bias [heads,window,window,window,window] is added to the logits of (row, column) against (row, column) and
    depends on their differences only. Returns [B,H,W,C].
    """
    return torch.ops.mattecore.window_attention(qkv, padding, bias, window, shift)


def attention_decomposed_relpos(
    qkv: Tensor, table_h: Tensor, table_w: Tensor, padding: Tensor, heads: int, window: int
) -> Tensor:
    """Attention with decomposed relative positions (Li et al., MViTv2, CVPR 2022; ViTDet, ECCV 2022).

    Over the whole map (window 0), or within windows, to multiples of which qkv [B,H,W,3C] is padded at the bottom and
    right with the vector padding [3C], what a zero token maps to. table_h [Lh,C/heads] and table_w [Lw,C/heads] are
    stretched linearly to 2h-1 and 2w-1 rows, h x w being the window or the map. The logit of query (i,j) against key
    (k,l) is q.k / sqrt(C/heads) + q.table_h[i-k+h-1] + q.table_w[j-l+w-1]: the last two take the unscaled query.
    Returns [B,H,W,C]. The N x N logits never exist.
    """
    return torch.ops.mattecore.attention_decomposed_relpos(qkv, table_h, table_w, padding, heads, window)
