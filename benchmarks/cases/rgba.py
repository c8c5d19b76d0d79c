"""8-bit conversion and RGBA assembly: all that `LayerMask: RmBgUltra V2` does around its network, process_detail off.

Both sides start from the node's float picture and the network's 8-bit mask, and end with the network's 8-bit input, the
float RGBA picture and the float mask. The peer goes the way shared by the original nodes: float to Pillow and back for
the picture, again to Pillow for the network and for the joining, and the mask's way to a tensor through a Python list.
"""

import torch
from harness.case import Call, Case

_SIDES = {1: 1024, 4: 2048, 16: 4096}


def _inputs(side: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns a picture [1,side,side,3] of values k/255, as a loaded file's are, and a binary 8-bit mask."""
    generator = torch.Generator().manual_seed(side)
    picture = torch.randint(0, 256, (1, side, side, 3), dtype=torch.uint8, generator=generator) / 255
    return picture, torch.randint(0, 2, (side, side), dtype=torch.uint8, generator=generator) * 255


def _ours(side: int) -> Call:
    from mattecore import composite, postprocess, preprocess

    picture, mask = _inputs(side)

    def call() -> object:
        network_input = preprocess.to_u8(picture)
        rgba = composite.assemble_rgba(network_input, mask[None])
        return network_input, rgba, postprocess.image_to_mask(mask[None, ..., None])

    return call


def _originals(side: int, through_list: bool) -> Call:
    import numpy as np
    from PIL import Image

    picture, mask = _inputs(side)
    network_mask = Image.fromarray(mask.numpy())

    def to_pillow(image: torch.Tensor) -> Image.Image:
        return Image.fromarray(np.clip(255 * image.numpy().squeeze(), 0, 255).astype(np.uint8))

    def to_tensor(image: Image.Image) -> torch.Tensor:
        return torch.from_numpy(np.array(image).astype(np.float32) / 255)[None]

    def call() -> object:
        rgbs, masks = [], []
        for i in range(picture.shape[0]):
            original = to_tensor(to_pillow(picture[i : i + 1]).convert("RGB"))
            network_input = to_pillow(original)
            rgba = Image.merge("RGBA", (*to_pillow(original).convert("RGB").split(), network_mask.convert("L")))
            rgbs.append(to_tensor(rgba))
            values = to_tensor(network_mask)
            masks.append(torch.tensor(values.tolist()) if through_list else values)
        return network_input, torch.cat(rgbs), torch.cat(masks)

    return call


def _case(megapixels: int, threads: int, through_list: bool) -> Case:
    side = _SIDES[megapixels]
    out_mib = megapixels * (3 + 16 + 4)
    return Case(
        name="rgba" if through_list else "rgba without the list",
        size=f"{side} x {side}",
        threads=threads,
        ours=lambda: _ours(side),
        peer="the originals' numpy, Pillow and list" if through_list else "the same with the list left out",
        peer_call=lambda: _originals(side, through_list),
        bar=8.0 if through_list and megapixels == 4 else None,
        allowed_mib=out_mib + 64 if through_list and threads == 2 else None,
        allowed="outputs + 64 MiB",
    )


def cases() -> list[Case]:
    """With the list, as the originals are, and without it, as they could easily be."""
    return [
        _case(megapixels, threads, through_list)
        for threads in (1, 2)
        for megapixels in _SIDES
        for through_list in ((True, False) if megapixels == 4 else (True,))
    ]
