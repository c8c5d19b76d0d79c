"""The stages in order, with networks of stored outputs. The nodes' goldens are held in tests/nodes/test_golden.py."""

import threading

import numpy as np
import pytest
import torch
from PIL import Image

from mattecore import _native, composite, preprocess
from mattecore.machine import Growth
from mattecore.pipeline import ClosedFormEdge, GuidedFilterEdge, VitmatteEdge, cut_out

POINTS = {"black_point": 0.01, "white_point": 0.99}
RECIPES = {
    "rmbg_ultra": "isnet",
    "birefnet_ultra": "birefnet",
    "image_rem_bg": "isnet",
    "image_rem_bg_2": "birefnet",
    "soft": "isnet",
}

every_recipe = pytest.mark.parametrize(("recipe", "family"), RECIPES.items(), ids=RECIPES)


def edges(canned):
    vitmatte = {"erode_size": 2, "dilate_size": 3, "max_megapixels": 2.0, **POINTS}
    return {
        "off": None,
        "closed form": ClosedFormEdge(detail_range=1, **POINTS),
        "guided filter": GuidedFilterEdge(detail_range=3, **POINTS),
        "vitmatte": VitmatteEdge(canned("vitmatte"), **vitmatte),
        "vitmatte, shrunk": VitmatteEdge(canned("vitmatte"), **{**vitmatte, "max_megapixels": 0.002}),
    }


@pytest.fixture(params=["off", "closed form", "guided filter", "vitmatte", "vitmatte, shrunk"])
def edge(request, canned):
    return edges(canned)[request.param]


@pytest.fixture
def photo(golden):
    """Colours that are multiples of nothing: [1,97,141,3]."""
    return torch.from_numpy(golden("node_RemBgUltra__00_coffee_f")["in_image"])


def disk(side: int = 1024) -> torch.Tensor:
    """A probability map with a soft edge."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, side), torch.linspace(-1, 1, side), indexing="ij")
    return (4 * (0.6 - (y.square() + x.square()).sqrt()) + 0.5).clamp(0, 1)


# --- what the networks are given


def test_vitmatte_is_given_what_transformers_gives_it(golden, canned):
    """Normalised, padded with zeros, shrunk where the picture is too large: bit for bit."""
    for name, megapixels in (("astro_2", 2.0), ("coffee_f_0.005", 0.005)):
        recorded = golden(f"vitmatte_canned__{name}")
        network = canned("vitmatte")
        edge = VitmatteEdge(network, erode_size=2, dilate_size=2, max_megapixels=megapixels, **POINTS)
        cut_out(torch.from_numpy(recorded["in_u8"]), canned("isnet"), "rmbg_ultra", edge)
        wanted = torch.from_numpy(recorded["out_pixel_values"])
        (seen,) = network.seen
        assert seen.shape == wanted.shape
        assert torch.equal(seen[:, :3], wanted[:, :3])
        values = torch.tensor([0, 127, 255]) * (torch.ones(()) / 255)
        if megapixels == 2.0:  # a shrunk trimap holds values between
            assert set(seen[:, 3].unique().tolist()) <= set(values.tolist())


def test_a_shrunk_picture_s_alpha_is_enlarged_as_pillow_does(golden, canned):
    picture = golden("vitmatte_canned__coffee_f_0.005")["in_u8"]
    network = canned("vitmatte")
    edge = VitmatteEdge(
        network, erode_size=2, dilate_size=2, max_megapixels=0.005, black_point=0.0, white_point=1.0
    )  # points that change nothing
    mask = cut_out(torch.from_numpy(picture), canned("isnet"), "rmbg_ultra", edge).mask
    (seen,) = network.seen
    alpha = (255 * (seen[0, 3] / 2 + (seen[0, 0] + 1) / 4)).to(torch.uint8)
    small = Image.fromarray(alpha[:60, :87].numpy())  # 0.005 * 2^20 pixels in the shape of 97 x 141
    enlarged = small.resize((picture.shape[1], picture.shape[0]), Image.Resampling.BILINEAR)
    assert np.array_equal(np.asarray(enlarged), (mask[0] * 255).round().numpy())


@pytest.mark.parametrize("name", ["astro", "coffee_f"])
def test_birefnet_is_given_what_the_original_gives_it(name, golden, canned):
    """cv2 rounds its weights otherwise: one 8-bit step in fewer than 1e-4 of the values."""
    recorded = golden(f"birefnet_processor__{name}")
    network = canned("birefnet")
    cut_out(torch.from_numpy(recorded["in_image"]), network, "birefnet_ultra")
    mean, std = (torch.tensor(values)[:, None, None] for values in (network.preparation.mean, network.preparation.std))
    seen = 255 * (network.seen[0][0][:, torch.from_numpy(recorded["in_rows"])] * std + mean)
    off = (seen.round() - torch.from_numpy(recorded["out_u8"]).float()).abs()
    assert (seen - seen.round()).abs().max() < 1e-3
    assert off.max() <= 1
    assert (off > 0).float().mean() < 1e-4


@pytest.mark.parametrize("name", ["astro", "coffee_f"])
def test_easy_use_s_network_is_given_what_the_original_gives_it(name, golden, canned):
    recorded = golden(f"easy_preprocess__{name}")
    network = canned("isnet")
    cut_out(torch.from_numpy(recorded["in_u8"]), network, "image_rem_bg")
    seen = 255 * (network.seen[0][0][:, torch.from_numpy(recorded["in_rows"])] + 0.5)
    off = (seen.round() - torch.from_numpy(recorded["out_u8"]).float()).abs()
    assert off.max() <= 1
    assert (off > 0).float().mean() < 1e-4


# --- recipes


@every_recipe
def test_the_result_is_a_picture_in_8_bits(recipe, family, edge, canned, photo):
    out = cut_out(photo, canned(family), recipe, edge)
    assert out.rgba.shape == (1, 97, 141, 4)
    assert out.mask.shape == (1, 97, 141)
    assert out.unrefined == []
    for tensor in (out.rgba, out.mask):
        assert tensor.dtype == torch.float32
        assert tensor.is_contiguous()
        assert torch.equal(preprocess.from_u8(preprocess.to_u8(tensor)), tensor)
    assert torch.equal(out.rgba[..., 3], out.mask)
    assert 0.02 < out.mask.mean() < 0.98


def test_every_edge_gives_another_mask(canned, photo):
    masks = [cut_out(photo, canned("isnet"), "rmbg_ultra", edge).mask for edge in edges(canned).values()]
    for i, mask in enumerate(masks):
        assert not any(torch.equal(mask, other) for other in masks[:i])


def test_looks(canned, photo):
    """A hard mask and a soft one of the same map; straight colours and premultiplied ones."""
    hard = cut_out(photo, canned("isnet"), "rmbg_ultra")
    soft = cut_out(photo, canned("isnet"), "image_rem_bg")
    assert set(hard.mask.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(hard.mask, (soft.mask > 0).float())
    assert len(soft.mask.unique()) > 50
    eight_bit = preprocess.to_u8(photo)
    assert torch.equal(hard.rgba[..., :3], preprocess.from_u8(eight_bit))
    pasted = composite.paste_on_transparent(eight_bit, preprocess.to_u8(soft.mask))
    assert torch.equal(soft.rgba, preprocess.from_u8(pasted))


def test_rmbg_2_is_soft_and_straight(canned, photo):
    """Its mask is the sigmoid in 8 bits, resized as Pillow does it by default."""
    network = canned("birefnet")
    out = cut_out(photo, network, "image_rem_bg_2")
    probability = (255 * network.maps[0].sigmoid()).to(torch.uint8).numpy()
    wanted = Image.fromarray(probability).resize((141, 97), Image.Resampling.BICUBIC)
    assert np.array_equal((out.mask[0] * 255).round().numpy(), np.asarray(wanted))
    assert torch.equal(out.rgba[..., :3], preprocess.from_u8(preprocess.to_u8(photo)))


def test_a_network_that_works_at_the_picture_s_own_size(canned, photo):
    core = _native.load()

    class OwnSize(core.Network):
        def __init__(self):
            super().__init__(core.Preparation("isnet", [0.5] * 3, [1.0] * 3, 0, 0, 32))

        def forward(self, image, progress):
            assert image.shape == (1, 3, 128, 160)
            return disk(160)[None, None, :128] * (image[:, :1] != 0)

    out = cut_out(photo, OwnSize(), "image_rem_bg")
    assert out.mask.shape == (1, 97, 141)
    assert out.mask.max() == 1


def test_an_unknown_recipe_is_refused_with_those_known(canned, photo):
    with pytest.raises(ValueError, match=r"the recipe is 'rmbg'; wanted rmbg_ultra, .*, image_rem_bg_2 or soft"):
        cut_out(photo, canned("isnet"), "rmbg")


@every_recipe
def test_a_broken_network_s_map_is_refused(recipe, family, canned, photo):
    for value in (torch.nan, torch.inf):
        with pytest.raises(ValueError, match="wanted finite values; its weights are damaged"):
            cut_out(photo, canned(family, torch.full((1, 1024, 1024), value)), recipe)


def test_networks_in_the_wrong_place_are_refused(canned, photo):
    with pytest.raises(ValueError, match="network for the mask is of the family vitmatte"):
        cut_out(photo, canned("vitmatte"), "rmbg_ultra")
    edge = VitmatteEdge(canned("isnet"), erode_size=1, dilate_size=1, max_megapixels=2, **POINTS)
    with pytest.raises(ValueError, match="network for the edge is of the family isnet; wanted vitmatte"):
        cut_out(photo, canned("isnet"), "rmbg_ultra", edge)


@pytest.mark.parametrize("megapixels", [0.0, -1.0, float("nan")])
def test_an_impossible_limit_is_refused(megapixels, canned, photo):
    edge = VitmatteEdge(canned("vitmatte"), erode_size=1, dilate_size=1, max_megapixels=megapixels, **POINTS)
    with pytest.raises(ValueError, match=r"max_megapixels is .*; wanted a number above 0"):
        cut_out(photo, canned("isnet"), "rmbg_ultra", edge)


def test_crossed_points_are_refused_by_closed_form_matting(canned, photo):
    edge = ClosedFormEdge(detail_range=1, black_point=0.9, white_point=0.1)
    with pytest.raises(ValueError, match=r"the black point is 0\.9"):
        cut_out(photo, canned("isnet"), "rmbg_ultra", edge)


# --- batches


@every_recipe
def test_a_batch_is_its_pictures_one_by_one(recipe, family, edge, canned, photo):
    batch = torch.cat([photo, photo.flip(1), photo * 0.5])
    together = cut_out(batch, canned(family), recipe, edge)
    network = canned(family)  # gives its maps in the same turn
    alone = [cut_out(picture[None], network, recipe, edge) for picture in batch]
    assert torch.equal(together.rgba, torch.cat([one.rgba for one in alone]))
    assert torch.equal(together.mask, torch.cat([one.mask for one in alone]))


@pytest.mark.parametrize(
    "laid_out",
    [
        lambda t: t.transpose(1, 2).contiguous().transpose(1, 2),
        lambda t: t.movedim(-1, 1).contiguous().movedim(1, -1),
        lambda t: t.repeat_interleave(2, 1)[:, ::2],
        lambda t: t.clone().requires_grad_(),
        lambda t: torch.cat([t, torch.rand_like(t[..., :1])], 3),
    ],
    ids=["columns first", "planes", "every second row", "requires grad", "an alpha channel"],
)
@every_recipe
def test_layouts_and_an_alpha_channel_change_nothing(recipe, family, laid_out, edge, canned, photo):
    plain = cut_out(photo, canned(family), recipe, edge)
    other = cut_out(laid_out(photo), canned(family), recipe, edge)
    assert torch.equal(other.rgba, plain.rgba)
    assert not other.rgba.requires_grad


def test_bytes_and_wider_floats_are_taken(edge, canned, photo):
    eight_bit = preprocess.to_u8(photo)
    wanted = cut_out(preprocess.from_u8(eight_bit), canned("isnet"), "rmbg_ultra", edge)
    for image in (eight_bit, preprocess.from_u8(eight_bit).double()):
        assert torch.equal(cut_out(image, canned("isnet"), "rmbg_ultra", edge).rgba, wanted.rgba)


@every_recipe
def test_half_precision_gives_what_its_8_bits_give(recipe, family, canned, photo):
    half = photo.half()
    wanted = cut_out(preprocess.to_u8(half), canned(family), recipe)
    assert torch.equal(cut_out(half, canned(family), recipe).rgba, wanted.rgba)


@every_recipe
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 40), (37, 1), (2, 2), (2, 3), (5, 4)])
def test_the_smallest_pictures_keep_their_size_and_colours(height, width, channels, recipe, family, edge, canned):
    picture = torch.rand(1, height, width, channels, generator=torch.Generator().manual_seed(3))
    if recipe.startswith("image_rem_bg"):
        edge = None
    out = cut_out(picture, canned(family, disk()[None]), recipe, edge)
    assert out.rgba.shape == (1, height, width, 4)
    assert out.rgba.isfinite().all()
    if recipe != "image_rem_bg":
        rgb = preprocess.to_rgb(preprocess.to_u8(picture))
        assert torch.equal(preprocess.to_u8(out.rgba[..., :3]), rgb)


@every_recipe
def test_not_a_number_is_black(recipe, family, edge, canned, photo):
    holes = photo.clone()
    holes[0, 10:20, 30:40] = torch.nan
    black = holes.nan_to_num(0)
    # Their filters see the picture's own values, or, where they are none, 8 bits.
    if recipe in ("birefnet_ultra", "soft"):
        black = preprocess.from_u8(preprocess.to_u8(black))
    out, wanted = (cut_out(image, canned(family), recipe, edge) for image in (holes, black))
    assert torch.equal(out.rgba, wanted.rgba)


def test_birefnet_s_filters_see_the_picture_s_own_values(canned, photo):
    edge = GuidedFilterEdge(detail_range=3, **POINTS)
    bright = photo * 1.5  # beyond 1, where 8 bits end
    clipped = preprocess.from_u8(preprocess.to_u8(bright))
    own, cut = (cut_out(image, canned("birefnet"), "birefnet_ultra", edge).mask for image in (bright, clipped))
    assert not torch.equal(own, cut)
    own, cut = (cut_out(image, canned("isnet"), "rmbg_ultra", edge).mask for image in (bright, clipped))
    assert torch.equal(own, cut)


@pytest.mark.parametrize("value", [0.0, 0.25, 1.0])
def test_closed_form_matting_without_two_sides_leaves_the_mask_and_says_so(value, canned, photo):
    """PyMatting raises: Trimap did not contain foreground, or background, values."""
    batch = torch.cat([photo, photo, photo])
    logits = torch.stack([torch.full((1024, 1024), -20.0), 10 * disk() - 5, torch.full((1024, 1024), 20 * value)])
    edge = ClosedFormEdge(detail_range=1, **POINTS)
    out = cut_out(batch, canned("birefnet", logits), "birefnet_ultra", edge)
    plain = cut_out(batch, canned("birefnet", logits), "birefnet_ultra")
    assert out.unrefined == [0, 2]
    assert torch.equal(out.mask[0], plain.mask[0])
    assert torch.equal(out.mask[2], plain.mask[2])
    assert not torch.equal(out.mask[1], plain.mask[1])


def test_memory_does_not_grow_with_the_batch(canned):
    """The kernel's own record of the process's highest resident size, less the result's."""

    def peak_beyond_the_result(pictures: int) -> int:
        batch = torch.rand(1, 512, 512, 3).expand(pictures, 512, 512, 3)
        with Growth() as growth:
            out = cut_out(batch, network, "rmbg_ultra", GuidedFilterEdge(detail_range=3, **POINTS))
        assert growth.bytes is not None
        return growth.bytes - out.rgba.nbytes - out.mask.nbytes

    class Forgetful(type(canned("isnet"))):
        def forward(self, image, progress):
            return self.maps[:1, None]

    network = Forgetful("isnet")
    peak_beyond_the_result(2)
    few, many = peak_beyond_the_result(2), peak_beyond_the_result(40)
    assert many < few + (20 << 20)  # 38 pictures more are 200 MiB of result


# --- progress


@pytest.mark.parametrize("name", ["off", "closed form", "vitmatte"])
def test_progress_rises_in_equal_steps(name, canned, photo):
    edge = edges(canned)[name]
    fractions: list[float] = []
    cut_out(torch.cat([photo] * 3), canned("isnet"), "rmbg_ultra", edge, progress=fractions.append)
    steps = 6 if edge else 3
    assert fractions == sorted(fractions)
    assert {i / steps for i in range(1, steps + 1)} <= {round(6 * f) / 6 for f in fractions}
    assert fractions[-1] == 1
    assert any(f * steps % 1 > 0 for f in fractions)  # inside a step


def test_each_picture_is_shown_when_it_is_done(canned, photo):
    batch, shown = torch.cat([photo, photo.flip(2)]), []
    out = cut_out(batch, canned("isnet"), "rmbg_ultra", done=lambda index, rgba: shown.append((index, rgba.clone())))
    assert [index for index, _ in shown] == [0, 1]
    assert torch.equal(torch.cat([rgba for _, rgba in shown]), out.rgba)


class StopError(Exception):
    pass


@pytest.mark.parametrize("at", [0.0, 0.3, 0.6, 1.0])
def test_what_progress_raises_ends_the_work_and_comes_through(at, canned, photo):
    def stop(fraction: float) -> None:
        if fraction >= at:
            raise StopError

    with pytest.raises(StopError):
        cut_out(photo, canned("isnet"), "rmbg_ultra", edges(canned)["closed form"], progress=stop)


def test_progress_that_returns_false_cancels(canned, photo):
    with pytest.raises(RuntimeError, match="the network was cancelled"):
        cut_out(photo, canned("isnet"), "rmbg_ultra", progress=lambda fraction: False)


def test_what_a_network_raises_comes_through(canned, photo):
    class Full(type(canned("isnet"))):
        def forward(self, image, progress):
            raise torch.OutOfMemoryError("no room")

    with pytest.raises(torch.OutOfMemoryError, match="no room"):
        cut_out(photo, Full("isnet"), "rmbg_ultra")


def test_other_threads_run_meanwhile(canned, photo):
    """The network of one thread waits for the other thread's: both calls are in native code at once."""
    barrier = threading.Barrier(2, timeout=60)

    class Meeting(type(canned("isnet"))):
        def forward(self, image, progress):
            barrier.wait()
            return super().forward(image, progress)

    results = []
    threads = [
        threading.Thread(target=lambda: results.append(cut_out(photo, Meeting("isnet"), "rmbg_ultra").rgba))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 2
    assert torch.equal(*results)


# --- bad input


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (torch.zeros(0, 5, 7, 3), "empty batch"),
        (torch.zeros(1, 0, 7, 3), "side of 0 pixels"),
        (torch.zeros(1, 5, 7, 2), "2 channels"),
        (torch.zeros(5, 7), r"\[5, 7\]"),
        (torch.zeros(1, 5, 7, 3, dtype=torch.int32), "is Int"),
    ],
)
def test_what_is_no_picture_is_refused(image, message, canned):
    with pytest.raises(ValueError, match=message):
        cut_out(image, canned("isnet"), "rmbg_ultra")


def test_what_is_no_tensor_is_a_type_error(canned):
    with pytest.raises(TypeError, match=r"wanted a torch\.Tensor"):
        cut_out(np.zeros((1, 5, 7, 3), np.float32), canned("isnet"), "rmbg_ultra")


def test_a_network_is_needed(photo):
    with pytest.raises(TypeError):
        cut_out(photo, None, "rmbg_ultra")


def test_a_python_network_needs_a_forward(canned, photo):
    core = _native.load()
    with pytest.raises(TypeError, match="overrides forward"):
        cut_out(photo, core.Network(canned("isnet").preparation), "rmbg_ultra")
