"""All of MaskDetailerPipe but sampler and VAE: segments, crops, blurred masks, resizing both ways, pasting, alpha.

Twenty ellipses in a picture of 4 megapixels, the node's own defaults. Between enlarging and shrinking the sampler would
stand; both sides hand on what they have. The peer goes the original's way: OpenCV's contours, each drawn into a mask of
the picture's size, torchvision's blur as a convolution of the whole square, Pillow for each resizing, tensors between.
"""

import importlib
import math

import torch
from harness.case import Call, Case

_SIDE = 2048
_BLOBS = 20
_GUIDE, _MAX, _FACTOR, _DROP, _FEATHER, _NOISE_FEATHER = 384, 1024, 3.0, 10, 5, 20


def _inputs() -> tuple[torch.Tensor, torch.Tensor]:
    """Returns a picture of noise and its mask: ellipses of 100 to 200 pixels in five rows of four."""
    generator = torch.Generator().manual_seed(4)
    y, x = torch.meshgrid(torch.arange(_SIDE), torch.arange(_SIDE), indexing="ij")
    mask = torch.zeros(_SIDE, _SIDE)
    for i in range(_BLOBS):
        down, across = 50 + 50 * torch.rand(2, generator=generator)
        row, column = divmod(i, 4)
        top, left = (2 * row + 1) * _SIDE / 10, (2 * column + 1) * _SIDE / 8
        mask[((y - top) / down) ** 2 + ((x - left) / across) ** 2 < 1] = 1
    picture = torch.randint(0, 256, (1, _SIDE, _SIDE, 3), dtype=torch.uint8, generator=generator) / 255
    return picture, mask


def _scaled(width: int, height: int, shorter: int) -> tuple[int, int]:
    scale = _GUIDE / shorter
    longest = max(int(width * scale), int(height * scale))
    if longest > _MAX:
        scale *= _MAX / longest
    return (int(width * scale), int(height * scale)) if scale > 1 else (width, height)


def _ours() -> Call:
    from mattecore import detail, preprocess

    picture, mask = _inputs()

    def resized(pixels: torch.Tensor, width: int, height: int) -> torch.Tensor:
        return preprocess.from_u8(preprocess.resize(preprocess.to_u8(pixels), height, width, "lanczos"))

    def call() -> object:
        image = picture.clone()
        results = []
        for segment in detail.find_segments(mask, _FACTOR, _DROP)[0]:
            box, region = segment.bbox, segment.crop_region
            own = detail.segment_mask(mask, segment)
            noise_mask = detail.blur_mask(own, _NOISE_FEATHER)
            crop = image[:, region.top : region.bottom, region.left : region.right]
            enlarged = resized(crop, *_scaled(region.width, region.height, min(box.width, box.height)))
            refined = resized(enlarged, region.width, region.height)
            alpha = detail.blur_mask(own, _FEATHER)[None]
            crop.copy_(detail.blend(crop, refined, alpha))
            results.append((refined, detail.join_alpha(refined, alpha), noise_mask))
        return image, results

    return call


def _peer() -> Call:
    cv2 = importlib.import_module("cv2")
    cv2.setNumThreads(1)
    import numpy as np
    from PIL import Image

    picture, mask = _inputs()

    def crop_region(x: int, y: int, w: int, h: int) -> tuple[int, int, int, int]:
        def axis(begin: int, length: int) -> tuple[int, int]:
            size = length * _FACTOR
            start = int(begin + length / 2 - size / 2)
            if start < 0:
                return 0, int(min(_SIDE, size))
            if start + size > _SIDE:
                return int(max(0, _SIDE - size)), _SIDE
            return start, int(min(_SIDE, start + size))

        (left, right), (top, bottom) = axis(x, w), axis(y, h)
        return left, top, right, bottom

    def blurred(values: torch.Tensor, radius: int) -> torch.Tensor:
        at = torch.arange(-radius, radius + 1).float()
        kernel = torch.exp(-0.5 * (at / 10) ** 2)
        kernel = kernel / kernel.sum()
        padded = torch.nn.functional.pad(values[None, None], (radius,) * 4, mode="reflect")
        return torch.nn.functional.conv2d(padded, torch.outer(kernel, kernel)[None, None])[0]

    def resized(pixels: torch.Tensor, width: int, height: int) -> torch.Tensor:
        pillow = Image.fromarray(np.clip(255.0 * pixels.numpy().squeeze(), 0, 255).astype(np.uint8))
        resized = pillow.resize((width, height), Image.Resampling.LANCZOS)
        return torch.from_numpy(np.array(resized).astype(np.float32) / 255.0)[None]

    def call() -> object:
        image = picture.clone()
        bytes_of_mask = (mask.numpy() * 255.0).astype(np.uint8)
        contours, hierarchy = cv2.findContours(bytes_of_mask, cv2.RETR_TREE, cv2.CHAIN_APPROX_SIMPLE)
        results = []
        for i, contour in enumerate(contours):
            x, y, w, h = cv2.boundingRect(contour)
            if hierarchy[0][i][3] != -1 or w <= _DROP or h <= _DROP:
                continue
            drawn = np.zeros_like(bytes_of_mask)
            cv2.drawContours(drawn, [contour], 0, 255, -1)
            filled = (drawn / 255.0).astype(np.float32)
            left, top, right, bottom = crop_region(x, y, w, h)
            own = torch.clip(torch.from_numpy(np.array(filled[top:bottom, left:right])), 0, 1)
            crop = image[:, top:bottom, left:right].clone()
            alpha = blurred(own, _FEATHER)[..., None]
            noise_mask = blurred(own, _NOISE_FEATHER)
            width, height = right - left, bottom - top
            enlarged = resized(crop, *_scaled(width, height, min(w, h)))
            refined = resized(enlarged, width, height)
            part = image[:, top:bottom, left:right]
            image[:, top:bottom, left:right] = (1 - alpha) * part + alpha * refined
            results.append((refined, torch.cat([refined, alpha], -1), noise_mask))
        return image, results

    return call


def cases() -> list[Case]:
    """The bar is the issue's; the memory is that of the picture and the lists, which are the result, and of crops."""
    picture, mask = 12 * _SIDE**2 / 2**20, 4
    crop = math.ceil(_FACTOR * 200) ** 2 / 2**20
    results = _BLOBS * crop * (12 + 16 + mask)
    return [
        Case(
            name="detailer",
            size=f"{_SIDE} x {_SIDE}, {_BLOBS} segments",
            threads=threads,
            ours=_ours,
            peer="OpenCV, torch's convolution, Pillow",
            peer_call=_peer,
            bar=5.0,
            allowed_mib=picture + results + 64 if threads == 2 else None,
            allowed="picture, lists and 64 MiB",
        )
        for threads in (1, 2)
    ]
