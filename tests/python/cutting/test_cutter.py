"""One picture: what is the subject stays what it was, and each option changes what it says."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import mattecore
from mattecore.cutting import CutOut, Cutter, Options
from mattecore.pictures import PictureError
from mattecore.pictures.read import read

HEIGHT, WIDTH = 90, 120


@pytest.fixture
def cut(red_weights: Path, disc: Callable) -> Callable[..., CutOut]:
    def call(image: object = None, **options: object) -> CutOut:
        return mattecore.cut(disc(HEIGHT, WIDTH) if image is None else image, model=str(red_weights), **options)

    return call


def test_the_subject_stays_and_the_rest_is_gone(cut, disc):
    out = cut()
    pixels, image = out.pixels.numpy(), disc(HEIGHT, WIDTH)
    assert pixels.shape == (HEIGHT, WIDTH, 4)
    assert pixels.dtype == np.uint8
    assert out.box == (0, 0, WIDTH, HEIGHT)
    assert out.note == ""
    assert pixels[45, 60].tolist() == [220, 20, 40, 255]
    assert pixels[2, 2].tolist() == [0, 0, 0, 0]
    whole = pixels[..., 3] == 255
    assert 0.2 < whole.mean() < 0.5
    np.testing.assert_array_equal(pixels[whole][:, :3], image[whole])  # not a bit of what is certain changes
    np.testing.assert_array_equal((out.mask.numpy() * 255).round(), pixels[..., 3])


def test_the_edge_gets_the_subject_s_colours(cut, disc):
    """Over white, no pixel may be greener than the subject and white are: the old background was green."""

    def greenest(out: CutOut) -> float:
        pixels = out.pixels.double().numpy()
        soft = (pixels[..., 3] > 20) & (pixels[..., 3] < 235)
        assert soft.sum() > 50
        return float((pixels[soft][:, 1] - pixels[soft][:, 0]).max())

    assert greenest(cut(foreground=True, refine="none")) < -100
    assert greenest(cut(foreground=False, refine="none")) > -50


@pytest.mark.parametrize(
    "changed",
    [
        {"refine": "none"},
        {"refine": "closed-form"},
        {"detail_range": 9},
        {"refine": "closed-form", "detail_range": 1},
        {"black_point": 0.4},
        {"white_point": 0.6},
        {"foreground": False},
        {"background": "blur"},
        {"background": "white"},
        {"mask_only": True},
        {"crop": True},
        {"crop": True, "margin": 4},
    ],
)
def test_each_option_changes_the_result(cut, changed):
    without = dict(list(changed.items())[:-1])
    plain, other = cut(**without).pixels, cut(**changed).pixels
    assert plain.shape != other.shape or not torch.equal(plain, other)


@pytest.mark.parametrize("changed", [{"detail_erode": 1}, {"detail_dilate": 30}, {"max_megapixels": 0.01}])
def test_each_option_of_vitmatte_changes_the_result(red_weights, disc, canned, monkeypatch, changed):
    seen = {}
    for options in ({}, changed):
        network = canned("vitmatte")
        monkeypatch.setattr("mattecore.cutting.models.find_vitmatte", lambda refine, network=network: Loaded(network))
        cutter = Cutter(Options(model=str(red_weights), refine="vitmatte", **options))
        seen[bool(options)] = cutter.cut(disc(200, 240)).pixels
    assert not torch.equal(seen[True], seen[False])


class Loaded:
    """A model whose network is there."""

    def __init__(self, network: object) -> None:
        self.network = network

    def load(self, device: str, precision: str) -> object:
        return self.network


def test_the_precision_is_the_network_s(red_weights):
    arithmetics = []
    for precision in ("exact", "bf16"):
        cutter = Cutter(Options(model=str(red_weights), precision=precision))
        cutter.load()
        arithmetics.append(cutter._network.arithmetic)
    assert arithmetics[0] != arithmetics[1]


def test_a_colour_behind_the_subject(cut):
    pixels = cut(background="#0000ff").pixels
    assert pixels.shape == (HEIGHT, WIDTH, 3)
    assert pixels[2, 2].tolist() == [0, 0, 255]
    assert pixels[45, 60].tolist() == [220, 20, 40]


@pytest.mark.parametrize("size", [(90, 120), (31, 200), (300, 64)])
def test_a_picture_behind_the_subject_covers_it_all_from_its_middle(cut, tmp_path, size):
    backdrop = Image.new("RGB", size[::-1], "black")
    backdrop.paste("white", (size[1] // 2, 0, size[1], size[0]))
    backdrop.save(tmp_path / "behind.png")
    pixels = cut(background=str(tmp_path / "behind.png")).pixels
    assert pixels[:5, :50].max() < 15  # but for what Lanczos swings
    assert pixels[:5, 70:].min() > 240
    assert pixels[45, 60].tolist() == [220, 20, 40]


def test_a_blurred_background_keeps_the_subject_sharp(cut, disc):
    image = disc(HEIGHT, WIDTH)
    image[:10, :10:2] = (10, 220, 60)
    pixels = cut(image, background="blur").pixels.double().numpy()
    np.testing.assert_array_equal(pixels[45, 60], image[45, 60])
    assert pixels[:10, :10, 1].std() < image[:10, :10, 1].std() / 3


def test_a_blurred_background_has_no_glow_of_the_subject(cut, disc):
    """Two to six pixels beside a sharp red disc the even green behind it stays as it is."""
    image = np.where(disc(HEIGHT, WIDTH)[..., :1] > 125, [220, 20, 40], [30, 160, 60]).astype(np.uint8)
    out = cut(image, background="blur", refine="none")
    near, far = (torch.nn.functional.max_pool2d(out.mask[None], size, 1, size // 2)[0] for size in (5, 13))
    beside = ((near < 0.01) & (far > 0.5)).numpy()
    moved = np.abs(out.pixels.numpy().astype(int) - image)[beside]
    assert len(moved) > 300
    assert moved.max() <= 2


def test_a_background_that_is_no_picture_is_refused_by_name_before_any_work(red_weights, tmp_path):
    (tmp_path / "behind.png").write_bytes(b"no picture")
    with pytest.raises(PictureError, match=r"^the background .*behind\.png can't be used: "):
        Cutter(Options(model=str(red_weights), background=str(tmp_path / "behind.png")))


@pytest.mark.parametrize("given", [{"black_point": 0.6}, {"white_point": 0.05}])
def test_a_point_on_the_wrong_side_of_the_model_s_own_is_refused(given):
    Options(model="builtin", **given)  # whose points are 0.1 and 0.55
    with pytest.raises(ValueError, match=r"^black_point is .* and white_point .*; wanted the black one below the"):
        Cutter(Options(model="builtin", **given))


def test_the_mask_alone(cut):
    out = cut(mask_only=True)
    assert out.pixels.shape == (HEIGHT, WIDTH, 1)
    assert torch.equal(out.pixels[..., 0].float() / 255, out.mask)


@pytest.mark.parametrize("margin", [0, 3, 1000])
def test_cropping_keeps_the_subject_and_the_margin(cut, margin):
    whole, out = cut().pixels, cut(crop=True, margin=margin)
    left, top, right, bottom = out.box
    assert torch.equal(out.pixels, whole[top:bottom, left:right])
    rows, columns = (whole[..., 3] > 5).nonzero(as_tuple=True)
    assert top == max(0, rows.min() - margin)
    assert left == max(0, columns.min() - margin)
    assert bottom == min(HEIGHT, rows.max() + 1 + margin)
    assert right == min(WIDTH, columns.max() + 1 + margin)


def test_where_there_is_no_subject(cut):
    green = np.full((20, 30, 3), (30, 160, 60), np.uint8)
    assert cut(green).note == "no subject was found"
    assert cut(green).pixels.sum() == 0
    with pytest.raises(PictureError, match="no subject was found in the picture, so there is nothing to crop to"):
        cut(green, crop=True)


@pytest.mark.parametrize("refine", ["none", "guided", "closed-form"])
def test_where_there_is_no_background(cut, refine):
    red = np.full((20, 30, 3), (220, 20, 40), np.uint8)
    found = cut(red, refine=refine)
    assert found.note == "no background was found, so nothing was cut away"
    assert torch.equal(found.pixels, torch.tensor([220, 20, 40, 255], dtype=torch.uint8).expand(20, 30, 4))


def test_an_edge_that_closed_form_matting_cannot_refine(cut):
    neither = np.full((20, 30, 3), (125, 90, 50), np.uint8)
    assert "its edge was not refined" in cut(neither, refine="closed-form").note


# --- depth, alpha, grey, sizes


def test_16_bits_stay_16_bits(cut, disc):
    deep = disc(HEIGHT, WIDTH).astype(np.uint16) * 257 - 3
    pixels = cut(deep).pixels.numpy()
    assert pixels.dtype == np.uint16
    whole = pixels[..., 3] == 65535
    assert whole.sum() > 1000
    np.testing.assert_array_equal(pixels[whole][:, :3], deep[whole])


def test_floats_stay_floats(cut, disc):
    image = torch.from_numpy(disc(HEIGHT, WIDTH)).float() / 255
    out = cut(image)
    assert out.pixels.dtype == torch.float32
    assert torch.equal((out.pixels * 255).round().to(torch.uint8), cut().pixels)


def test_what_is_transparent_stays_so(cut, disc):
    image = disc(HEIGHT, WIDTH, 4)
    image[:, :60, 3] = 0
    image[:, 60:70, 3] = 128
    alpha = cut(image).pixels[..., 3].int()
    assert alpha[:, :60].max() == 0
    assert 110 < alpha[45, 60:70].min() <= alpha[45, 60:70].max() <= 128
    assert torch.equal(alpha[:, 82:], cut().pixels[:, 82:, 3].int())  # as far as the guided filter does not see it


def test_grey_is_cut_as_its_colours_would_be(cut, disc):
    grey = disc(HEIGHT, WIDTH)[..., 0]
    assert torch.equal(cut(grey).pixels, cut(np.repeat(grey[..., None], 3, 2)).pixels)


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (2, 3), (385, 17)])
@pytest.mark.parametrize("options", [{}, {"background": "blur"}, {"refine": "closed-form"}, {"mask_only": True}])
def test_odd_sizes(cut, disc, size, options):
    out = cut(disc(*size), **options)
    assert out.pixels.shape[:2] == size
    assert out.mask.shape == size


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_same_bytes_for_any_number_of_threads(cut, set_threads, threads):
    set_threads(1)
    one = cut(crop=True, background="blur").pixels
    set_threads(threads)
    assert torch.equal(cut(crop=True, background="blur").pixels, one)


# --- the call itself


def test_paths_pillow_and_arrays_are_the_same_picture(cut, disc, tmp_path):
    image = Image.fromarray(disc(HEIGHT, WIDTH))
    image.save(tmp_path / "disc.png")
    wanted = cut().pixels
    for given in (image, tmp_path / "disc.png", str(tmp_path / "disc.png"), torch.from_numpy(disc(HEIGHT, WIDTH))):
        assert torch.equal(cut(given).pixels, wanted)


@pytest.mark.parametrize("name", ["cup.png", "cup.webp", "cup.tif"])
def test_saving(cut, tmp_path, name):
    out = cut()
    out.save(tmp_path / name)
    again = read(tmp_path / name).pixels.int()
    assert torch.equal(again // (257 if name == "cup.tif" else 1), out.pixels.int())


def test_progress_runs_to_the_end_and_can_stop_the_work(cut):
    seen: list[float] = []
    cut(progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1

    class Enough(Exception):  # noqa: N818
        pass

    def stop(fraction: float) -> None:
        raise Enough

    with pytest.raises(Enough):
        cut(progress=stop)


def test_a_network_is_loaded_once(red_weights, disc, monkeypatch):
    cutter = Cutter(Options(model=str(red_weights)))
    loads = []
    load = type(cutter.model).load
    monkeypatch.setattr(type(cutter.model), "load", lambda *given: loads.append(given) or load(*given))
    for _ in range(3):
        cutter.cut(disc(8, 8))
    assert len(loads) == 1
