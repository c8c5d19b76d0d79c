"""The operators that torch has no fitting kernel for, as plain torch formulas in bounded memory.

The networks call them through this module alone, so that a native operator takes over here and nowhere else.
Token maps are [B,H,W,C] throughout; so are maps of queries, keys and values, their last axis being (3, heads, C/heads).
"""

import torch
from torch import Tensor
from torch.nn import functional


def half(x: Tensor) -> Tensor:
    """Halve maps [B,C,H,W] by the maximum of 2 x 2 pixels, rounding sizes up."""
    return torch.ops.mattecore.half(x)


def stretch(x: Tensor, like: Tensor, align_corners: bool = False) -> Tensor:
    """Stretch maps [B,C,h,w] bilinearly to the height and width of like."""
    return torch.ops.mattecore.stretch(x, like, align_corners)


# Bytes of a column matrix or of a block of biases: enough for products at full speed, little beside a network.
_BLOCK_BYTES = 1 << 25


def deform_conv2d(
    x: Tensor, offset: Tensor, mask: Tensor, weight: Tensor, padding: int, block_bytes: int = _BLOCK_BYTES
) -> Tensor:
    """Deformable convolution v2 with stride 1 and without bias (Zhu et al., Deformable ConvNets v2, CVPR 2019).

    x [B,C,H,W]; weight [O,C,kh,kw] with K = kh * kw taps in row order; offset [B,2K,Ho,Wo], (dy, dx) a tap, in pixels;
    mask [B,K,Ho,Wo] scales the samples, which are bilinear with zeros outside. Returns [B,O,Ho,Wo], channels last.
    Positions are computed in float32 whatever the type of x. Peak: one copy of x and blocks of block_bytes.
    """
    batch, channels, height, width = x.shape
    outputs, _, kernel_height, kernel_width = weight.shape
    taps = kernel_height * kernel_width
    out_height, out_width = offset.size(2), offset.size(3)
    pixels = x.permute(0, 2, 3, 1).reshape(batch, height * width, channels)
    kernel = weight.permute(2, 3, 1, 0).reshape(taps * channels, outputs)
    offset = offset.permute(0, 2, 3, 1).reshape(batch, out_height, out_width, taps, 2)
    mask = mask.permute(0, 2, 3, 1)

    tap = torch.arange(taps, device=x.device)
    tap_y, tap_x = tap // kernel_width - padding, tap % kernel_width - padding
    column = torch.arange(out_width, device=x.device).unsqueeze(1) + tap_x
    rows = max(1, block_bytes // (4 * out_width * taps * channels))
    result = x.new_empty(batch, out_height, out_width, outputs)
    for image in range(batch):
        for top in range(0, out_height, rows):
            bottom = min(out_height, top + rows)
            row = torch.arange(top, bottom, device=x.device).view(-1, 1, 1) + tap_y
            down, right = offset[image, top:bottom].float().unbind(-1)
            index, share = _bilinear(down + row, right + column, mask[image, top:bottom], height, width)
            columns = functional.embedding_bag(index, pixels[image], per_sample_weights=share.to(x.dtype), mode="sum")
            result[image, top:bottom] = (columns.view(-1, taps * channels) @ kernel).view(-1, out_width, outputs)
    return result.permute(0, 3, 1, 2)


def _bilinear(y: Tensor, x: Tensor, scale: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Find the four pixels around each position [N,4], as indices into a flat picture, and their shares; 0 outside."""
    # One step beyond the border is enough to be outside, and keeps the integers small.
    top, left = y.floor().clamp(-2, height), x.floor().clamp(-2, width)
    down, right = y - y.floor(), x - x.floor()
    row, column = torch.stack((top, top + 1), -1), torch.stack((left, left + 1), -1)
    row_share = torch.stack((1 - down, down), -1) * ((row >= 0) & (row < height)) * scale.float().unsqueeze(-1)
    column_share = torch.stack((1 - right, right), -1) * ((column >= 0) & (column < width))
    row_index, column_index = row.int().clamp(0, height - 1) * width, column.int().clamp(0, width - 1)
    index = row_index.unsqueeze(-1) + column_index.unsqueeze(-2)
    share = row_share.unsqueeze(-1) * column_share.unsqueeze(-2)
    return index.reshape(-1, 4), share.reshape(-1, 4)


def window_attention(qkv: Tensor, padding: Tensor, bias: Tensor, window: int, shift: int) -> Tensor:
    """Attention within (shifted) windows with a relative position bias (Liu et al., Swin Transformer, ICCV 2021).

    qkv [B,H,W,3C] is padded at the bottom and right to whole windows with the vector padding [3C], what a zero token
    maps to; bias [heads,window,window,window,window] is added to the logits of (row, column) against (row, column).
    Returns [B,H,W,C].

    A shifted window that wraps round the border is masked into parts that do not see one another. As the bias depends
    on differences of position only, the parts are smaller windows of their own: neither roll nor mask is needed.
    """
    batch, height, width, channels = qkv.shape
    heads = bias.size(0)
    padded = pad_to_windows(qkv, padding, window)
    result = qkv.new_empty(batch, padded.size(1), padded.size(2), channels // 3)
    for top, bottom, rows in _bands(padded.size(1), window, shift):
        for left, right, columns in _bands(padded.size(2), window, shift):
            windows = cut_windows(padded[:, top:bottom, left:right], rows, columns)
            tokens = windows.reshape(windows.size(0), rows * columns, 3, heads, -1)
            query, key, value = tokens.permute(2, 0, 3, 1, 4).unbind(0)
            part = bias[:, :rows, :columns, :rows, :columns].reshape(1, heads, rows * columns, rows * columns)
            attended = functional.scaled_dot_product_attention(query, key, value, attn_mask=part).transpose(1, 2)
            attended = attended.reshape(windows.size(0), rows, columns, channels // 3)
            result[:, top:bottom, left:right] = join_windows(attended, batch, bottom - top, right - left)
    return result[:, :height, :width]


def _bands(length: int, window: int, shift: int) -> list[tuple[int, int, int]]:
    """Begin, end and window length of the stretches that windows shifted by shift cut an axis into."""
    if shift == 0:
        return [(0, length, window)]
    bands = [(0, shift, shift)]
    if length > window:
        bands.append((shift, length - window + shift, window))
    bands.append((length - window + shift, length, window - shift))
    return bands


def pad_to_windows(x: Tensor, padding: Tensor, window: int) -> Tensor:
    """[B,H,W,C] with the vector padding [C] below and to the right, up to multiples of window."""
    batch, height, width, channels = x.shape
    below, beside = -height % window, -width % window
    if below == 0 and beside == 0:
        return x
    padded = x.new_empty(batch, height + below, width + beside, channels)
    padded[:, :height, :width] = x
    padded[:, height:] = padding
    padded[:, :height, width:] = padding
    return padded


def cut_windows(x: Tensor, rows: int, columns: int) -> Tensor:
    """[B,H,W,C] -> [B * H/rows * W/columns, rows, columns, C]."""
    batch, height, width, channels = x.shape
    x = x.reshape(batch, height // rows, rows, width // columns, columns, channels)
    return x.transpose(2, 3).reshape(-1, rows, columns, channels)


def join_windows(windows: Tensor, batch: int, height: int, width: int) -> Tensor:
    """Undo cut_windows."""
    _, rows, columns, channels = windows.shape
    x = windows.reshape(batch, height // rows, width // columns, rows, columns, channels)
    return x.transpose(2, 3).reshape(batch, height, width, channels)


def attention_decomposed_relpos(
    qkv: Tensor, table_h: Tensor, table_w: Tensor, heads: int, block_bytes: int = _BLOCK_BYTES
) -> Tensor:
    """Attention over a whole map with decomposed relative positions (Li et al., MViTv2, CVPR 2022; ViTDet, ECCV 2022).

    qkv [B,H,W,3C]; table_h [Lh,C/heads] and table_w [Lw,C/heads] are stretched linearly to 2H-1 and 2W-1 rows. The
    logit of query (i,j) against key (k,l) is q.k / sqrt(C/heads) + q.table_h[i-k+H-1] + q.table_w[j-l+W-1]: the last
    two take the unscaled query. Returns [B,H,W,C]. The N x N logits never exist: biases are made block_bytes at a time.
    """
    batch, height, width, channels = qkv.shape
    size, tokens = channels // (3 * heads), height * width
    maps = qkv.reshape(batch, height, width, 3, heads, size).permute(3, 0, 4, 1, 2, 5)
    query, key, value = maps.reshape(3, batch * heads, height, width, size).unbind(0)
    key, value = key.view(1, -1, tokens, size), value.view(1, -1, tokens, size)
    positions_h, positions_w = _relative_positions(table_h, height), _relative_positions(table_w, width)

    result = torch.empty_like(query)
    maps_a_block = max(1, block_bytes // (4 * tokens * tokens))
    rows_a_block = max(1, min(height, block_bytes // (4 * width * tokens)))
    for first in range(0, batch * heads, maps_a_block):
        last = min(batch * heads, first + maps_a_block)
        for top in range(0, height, rows_a_block):
            bottom = min(height, top + rows_a_block)
            block = query[first:last, top:bottom]
            bias_h = block @ positions_h[top:bottom]
            bias_w = (block.transpose(1, 2) @ positions_w).transpose(1, 2)
            bias = (bias_h.unsqueeze(-1) + bias_w.unsqueeze(-2)).view(1, last - first, -1, tokens)
            rows = block.reshape(1, last - first, -1, size)
            attended = functional.scaled_dot_product_attention(
                rows, key[:, first:last], value[:, first:last], attn_mask=bias
            )
            result[first:last, top:bottom] = attended.view_as(block)
    result = result.view(batch, heads, height, width, size).permute(0, 2, 3, 1, 4)
    return result.reshape(batch, height, width, channels // 3)


def _relative_positions(table: Tensor, length: int) -> Tensor:
    """Spread the table out to [query, C, key] for an axis of this length, stretched where it was made for another."""
    rows = 2 * length - 1
    if table.size(0) != rows:
        table = functional.interpolate(table.t().unsqueeze(0), size=rows, mode="linear")[0].t()
    return table.unfold(0, length, 1).flip(2)
