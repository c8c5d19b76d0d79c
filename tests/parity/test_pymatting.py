"""The refine stage beside what the original nodes call: OpenCV 5.0 with its contrib modules and PyMatting 1.1.16."""

import numpy as np
import pytest
import torch

from mattecore import composite, refine

SIZES = [(1, 1), (1, 37), (23, 1), (2, 3), (64, 47), (120, 150)]


@pytest.fixture(scope="module")
def cv2():
    cv2 = pytest.importorskip("cv2")
    if not hasattr(cv2, "ximgproc"):
        pytest.skip("this OpenCV has no ximgproc")
    return cv2


@pytest.fixture(scope="module")
def pymatting():
    return pytest.importorskip("pymatting")


def disc(height: int, width: int, softness: float) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return ((min(height, width) * 0.3 - np.hypot(y - height / 2, x - width / 2)) / softness + 0.5).clip(0, 1)


def drawn(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """A disc with a soft edge and noise, as a camera's, over all; its alpha."""
    noise = np.random.default_rng(3).normal(0, 0.02, (height, width, 3))
    alpha = disc(height, width, 9)[..., None]
    y, x = np.mgrid[:height, :width]
    pattern = 0.1 * (np.sin(x / 9) * np.cos(y / 7))[..., None]
    image = alpha * (np.array([0.8, 0.5, 0.2]) + pattern) + (1 - alpha) * (np.array([0.2, 0.3, 0.7]) - pattern[::-1])
    return (image + noise).clip(0, 1).astype(np.float32), alpha[..., 0].astype(np.float32)


def picture(name: str, golden) -> np.ndarray:
    """Drawn, or scikit-image's astronaut as the goldens have it; "grey" keeps three equal channels."""
    image = drawn(300, 400)[0] if name.startswith("drawn") else golden("birefnet_processor__astro")["in_image"]
    return np.repeat(image.mean(-1, keepdims=True), 3, -1) if name.endswith("grey") else image


def as_tensor(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array))


# --- trimap_from_mask: LayerStyle's generate_VITMatte_trimap, erode and dilate at the values given


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize(
    ("erode", "dilate"), [(1, 1), (2, 2), (6, 6), (64, 64), (255, 255), (1, 255), (64, 1), (7, 2), (3, 4)]
)
def test_trimap_from_mask_is_opencvs_erode_and_dilate(erode, dilate, height, width, cv2):
    """Byte for byte: five iterations of cv2 with a box, put together as the original does."""
    foreground = (disc(height, width, 3) > 0.4) | (np.random.default_rng(5).random((height, width)) > 0.999)
    mask = (foreground * 255).astype(np.uint8)
    eroded = cv2.erode(mask, np.ones((erode, erode), np.uint8), iterations=5)
    dilated = cv2.dilate(mask, np.ones((dilate, dilate), np.uint8), iterations=5)
    wanted = np.where(eroded == 255, 255, np.where(dilated == 255, 127, 0))
    np.testing.assert_array_equal(refine.trimap_from_mask(as_tensor(mask), erode, dilate).numpy(), wanted)
    floats = as_tensor(foreground.astype(np.float32))
    np.testing.assert_array_equal(refine.trimap_from_mask(floats, erode, dilate).numpy(), wanted)


# --- guided_filter: LayerStyle's guided_filter_alpha, which has eps = 0.015


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("radius", [1, 3, 7, 41, 150, 300])
@pytest.mark.parametrize("eps", [0.015, 0.1])
@pytest.mark.parametrize("kind", ["drawn", "grey"])
def test_guided_filter_is_opencvs(radius, height, width, eps, kind, cv2):
    """Within the bar of 1e-4, a radius beyond the picture too; both keep float32, in another order."""
    guide, alpha = drawn(height, width)
    if kind == "grey":
        guide = np.repeat(guide[..., :1], 3, -1)
    mask = (alpha > 0.3).astype(np.float32)
    theirs = cv2.ximgproc.guidedFilter(guide, np.repeat(mask[..., None], 3, -1), radius, eps)
    theirs = theirs.reshape(height, width, 3)[..., 0]
    ours = refine.guided_filter(as_tensor(guide), as_tensor(mask), radius, eps).numpy()
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4)
    if (height, width) == SIZES[-1]:
        assert (np.rint(ours * 255) == np.rint(theirs * 255)).mean() >= 0.999


def test_opencvs_guided_filter_gives_up_below_an_eps_of_a_hundredth_and_ours_does_not(cv2):
    """Where the covariance's determinant is below 1e-6 OpenCV takes the mask's mean; eps^3 is below in flat places."""
    guide, alpha = drawn(120, 150)
    mask = (alpha > 0.3).astype(np.float32)
    theirs, ours = (
        run(guide, mask, 7, 1e-4)
        for run in (
            lambda g, m, *settings: cv2.ximgproc.guidedFilter(g, m, *settings),
            lambda g, m, *settings: refine.guided_filter(as_tensor(g), as_tensor(m), *settings).numpy(),
        )
    )
    assert np.abs(theirs - cv2.blur(cv2.blur(mask, (15, 15)), (15, 15))).mean() < 0.02
    assert np.abs(ours - mask).mean() < np.abs(theirs - mask).mean() * 0.7


@pytest.mark.parametrize("radius", [3, 41])
def test_guided_filter_with_a_grey_guide_is_opencvs(radius, cv2):
    guide, alpha = drawn(120, 150)
    mask = (alpha > 0.3).astype(np.float32)
    theirs = cv2.ximgproc.guidedFilter(guide[..., 0].copy(), mask, radius, 0.01)
    ours = refine.guided_filter(as_tensor(guide[..., :1]), as_tensor(mask), radius, 0.01).numpy()
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4)


# --- the mask tools that OpenCV has too


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("radius", [0, 1, 2, 5, 20])
@pytest.mark.parametrize("shape", ["box", "ellipse"])
def test_grow_and_shrink_are_opencvs(radius, shape, height, width, cv2):
    mask = np.random.default_rng(6).random((height, width), np.float32)
    element = {"box": cv2.MORPH_RECT, "ellipse": cv2.MORPH_ELLIPSE}[shape]
    element = cv2.getStructuringElement(element, (2 * radius + 1, 2 * radius + 1))
    np.testing.assert_array_equal(refine.grow(as_tensor(mask), radius, shape).numpy(), cv2.dilate(mask, element))
    np.testing.assert_array_equal(refine.shrink(as_tensor(mask), radius, shape).numpy(), cv2.erode(mask, element))


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("sigma", [0.3, 1.0, 2.2, 11.0])
def test_feather_is_opencvs_gaussian(sigma, height, width, cv2):
    mask = np.random.default_rng(6).random((height, width), np.float32)
    theirs = cv2.GaussianBlur(mask, (0, 0), sigma)
    # float32 weights and sums over up to 89 pixels, twice, in another order.
    np.testing.assert_allclose(refine.feather(as_tensor(mask), sigma).numpy(), theirs, rtol=0, atol=2e-6)


# --- closed_form: PyMatting's estimate_alpha_cf as LayerStyle's mask_edge_detail calls it

EPSILON = 1e-6  # LayerStyle's; PyMatting's own is 1e-7


def estimate_alpha(image: np.ndarray, trimap: np.ndarray, pymatting) -> np.ndarray:
    options = {"epsilon": EPSILON}
    return pymatting.estimate_alpha_cf(
        image.astype(np.float64), trimap.astype(np.float64), laplacian_kwargs=options, cg_kwargs={"maxiter": 500}
    )


def band_trimap(height: int, width: int, unknown: float) -> np.ndarray:
    """A disc with a band of about this part of the picture unknown around its edge."""
    y, x = np.mgrid[:height, :width]
    edge = np.hypot(y - height / 2, x - width / 2) - min(height, width) * 0.3
    band = np.abs(edge) <= np.quantile(np.abs(edge), unknown)
    return np.where(band, 0.5, edge < 0).astype(np.float32)


@pytest.mark.parametrize("unknown", [0.06, 0.16, 0.41])
@pytest.mark.parametrize("name", ["drawn", "sample"])
def test_closed_form_is_pymattings(name, unknown, golden, pymatting):
    """Within a step of 8 bits on 99.9 % of the pixels; both stop at |r| < 1e-7 |b|."""
    image = picture(name, golden)
    trimap = band_trimap(*image.shape[:2], unknown)
    assert abs((trimap == 0.5).mean() - unknown) < 0.01
    theirs = estimate_alpha(image, trimap, pymatting)
    ours = refine.closed_form(as_tensor(image), as_tensor(trimap)).alpha.numpy()
    known = trimap != 0.5
    np.testing.assert_array_equal(ours[known], trimap[known])
    assert (np.abs(ours - theirs) <= 1 / 255).mean() >= 0.999
    assert np.abs(ours - theirs).mean() <= 1e-4


def exact_alpha(image: np.ndarray, trimap: np.ndarray, pymatting) -> np.ndarray:
    """A direct solution of PyMatting's own equations."""
    linalg = pytest.importorskip("scipy.sparse.linalg")
    known = (trimap != 0.5).ravel()
    laplacian = pymatting.cf_laplacian(image.astype(np.float64), epsilon=EPSILON, is_known=known).tocsr()
    alpha = (trimap.ravel() == 1).astype(np.float64)
    right = -laplacian[~known][:, known] @ alpha[known]
    alpha[~known] = linalg.spsolve(laplacian[~known][:, ~known].tocsc(), right).clip(0, 1)
    return alpha.reshape(trimap.shape)


@pytest.mark.parametrize("unknown", [0.06, 0.16, 0.41])
@pytest.mark.parametrize("name", ["sample grey", "drawn grey", "sample"])
def test_closed_form_is_no_further_from_the_exact_solution_than_pymattings(name, unknown, golden, pymatting):
    """Or than a tenth of a step of 8 bits. The covariance of grey pictures is singular: PyMatting itself may be off."""
    image = picture(name, golden)[:120, 120:270] if name.startswith("drawn") else picture(name, golden)
    trimap = band_trimap(*image.shape[:2], unknown)
    exact = exact_alpha(image, trimap, pymatting)
    theirs = estimate_alpha(image, trimap, pymatting)
    ours = refine.closed_form(as_tensor(image), as_tensor(trimap)).alpha.numpy()
    assert np.abs(ours - exact).max() <= max(np.abs(theirs - exact).max(), 0.1 / 255)


# --- foreground colours: PyMatting's estimate_foreground_ml


@pytest.mark.parametrize("name", ["drawn", "sample"])
def test_multilevel_foreground_is_pymattings(name, golden, pymatting):
    """On average within 2 of 255 where alpha is soft."""
    image = picture(name, golden)
    alpha = disc(*image.shape[:2], 15).astype(np.float32)
    theirs = pymatting.estimate_foreground_ml(image.astype(np.float64), alpha.astype(np.float64))
    ours = composite.multilevel_foreground(as_tensor(image), as_tensor(alpha)).numpy()
    band = (alpha > 0) & (alpha < 1)
    assert band.sum() > 500
    assert np.abs(ours - theirs)[band].mean() <= 2 / 255
