"""The "Ultra" nodes: what each widget does, what is let in, what is said."""

import logging

import pytest
import torch

V2 = ["LayerMask: RmBgUltra V2", "LayerMask: BiRefNetUltra"]


@pytest.mark.parametrize("node_id", V2)
@pytest.mark.parametrize(
    ("method", "change"),
    [
        ("GuidedFilter", {"detail_erode": 30}),
        ("GuidedFilter", {"detail_dilate": 30}),
        ("GuidedFilter", {"black_point": 0.4}),
        ("GuidedFilter", {"white_point": 0.6}),
        ("GuidedFilter", {"process_detail": False}),
        ("GuidedFilter", {"detail_method": "PyMatting"}),
        ("GuidedFilter", {"detail_method": "VITMatte"}),
        ("PyMatting", {"detail_erode": 30}),
        ("PyMatting", {"detail_dilate": 30}),
        ("PyMatting", {"black_point": 0.3}),
        ("PyMatting", {"white_point": 0.7}),
        ("VITMatte", {"detail_erode": 3}),
        ("VITMatte", {"detail_dilate": 3}),
        ("VITMatte", {"black_point": 0.5}),
        ("VITMatte", {"white_point": 0.5}),
        ("VITMatte", {"max_megapixels": 0.005}),
    ],
    ids=str,
)
def test_every_widget_changes_the_mask(node_id, method, change, run, photo):
    plain = run(node_id, photo, detail_method=method)
    changed = run(node_id, photo, **{"detail_method": method, **change})
    assert not torch.equal(plain[1], changed[1])


@pytest.mark.parametrize(
    "change", [{"detail_range": 3}, {"black_point": 0.3}, {"white_point": 0.7}, {"process_detail": False}], ids=str
)
def test_every_widget_of_rembg_ultra_changes_the_mask(change, run, photo):
    plain, changed = run("LayerMask: RemBgUltra", photo), run("LayerMask: RemBgUltra", photo, **change)
    assert not torch.equal(plain[1], changed[1])


@pytest.mark.parametrize("node_id", V2)
@pytest.mark.parametrize("method", ["GuidedFilter", "PyMatting", "VITMatte"])
def test_a_batch_is_its_pictures_one_by_one(node_id, method, run, photo):
    batch = torch.cat([photo, photo.flip(1), photo * 0.5])
    together = run(node_id, batch, detail_method=method)
    singles = [run(node_id, picture[None], detail_method=method, rewind=False) for picture in batch]
    assert torch.equal(together[0], torch.cat([single[0] for single in singles]))
    assert torch.equal(together[1], torch.cat([single[1] for single in singles]))


@pytest.mark.parametrize("node_id", V2)
@pytest.mark.parametrize("method", ["off", "GuidedFilter", "PyMatting", "VITMatte"])
@pytest.mark.parametrize("shape", [(1, 1, 1, 3), (1, 1, 50, 3), (1, 50, 1, 4), (2, 2, 2, 1), (1, 33, 47, 4)], ids=str)
def test_degenerate_pictures_keep_their_size(node_id, method, shape, run):
    settings = {"process_detail": False} if method == "off" else {"detail_method": method}
    image, mask = run(node_id, torch.rand(shape, generator=torch.Generator().manual_seed(1)), **settings)
    assert image.shape == (*shape[:3], 4)
    assert mask.shape == shape[:3]
    assert image.isfinite().all()


@pytest.mark.parametrize(
    ("method", "weights", "fetched"),
    [
        ("VITMatte", "vitmatte-small", True),
        ("VITMatte(local)", "vitmatte-small", False),
        ("vitmatte-base-composition-1k", "vitmatte-base", True),
    ],
)
def test_vitmatte_s_weights(method, weights, fetched, run, networks, photo):
    run(V2[0], photo, detail_method=method)
    assert networks["asked"] == [("rmbg-1.4", "cpu", False), (weights, "cpu", fetched)]


@pytest.mark.parametrize(
    ("widget", "has_cuda", "device", "is_said"),
    [("cpu", True, "cpu", False), ("cuda", True, "cuda", False), ("cuda", False, "cpu", True)],
)
def test_vitmatte_s_device(widget, has_cuda, device, is_said, run, networks, photo, monkeypatch, caplog):
    caplog.set_level(logging.INFO, logger="mattecore")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: has_cuda)
    run(V2[0], photo, device=widget)
    assert [where for _, where, _ in networks["asked"]] == ["cpu", device]
    assert ("there is no CUDA here; VITMatte runs on the CPU" in caplog.text) == is_said


@pytest.mark.parametrize("method", ["GuidedFilter", "PyMatting"])
def test_filters_load_no_second_network(method, run, networks, photo):
    run(V2[1], photo, detail_method=method)
    assert networks["asked"] == [("birefnet-ep480", "cpu", False)]


@pytest.mark.parametrize("node_id", V2)
def test_newer_methods_are_let_in_and_others_refused_in_a_sentence(node_id, pack, run, photo):
    validate = pack.NODE_CLASS_MAPPINGS[node_id].VALIDATE_INPUTS
    listed = pack.NODE_CLASS_MAPPINGS[node_id].INPUT_TYPES()["required"]["detail_method"][0]
    for method in (*listed, "vitmatte-base-composition-1k", None):
        assert validate(detail_method=method) is True
    sentence = validate(detail_method="SDMatte")
    assert sentence == (
        "detail_method is 'SDMatte'; wanted VITMatte, VITMatte(local), PyMatting, GuidedFilter "
        "or vitmatte-base-composition-1k"
    )
    with pytest.raises(ValueError, match="detail_method is 'SDMatte'"):
        run(node_id, photo, detail_method="SDMatte")


def test_inputs_of_newer_versions_do_not_hinder(run, photo):
    assert torch.equal(run(V2[0], photo, something_new=3)[0], run(V2[0], photo)[0])


def test_a_mask_without_two_sides_is_left_and_said_once(run, networks, photo, caplog):
    networks["birefnet-ep480"].maps = torch.full((1, 1024, 1024), -9.0)
    batch = torch.cat([photo, photo])
    plain = run(V2[1], batch, process_detail=False)
    caplog.clear()
    assert torch.equal(run(V2[1], batch, detail_method="PyMatting")[0], plain[0])
    (record,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert "the mask of picture 1, 2 leaves closed-form matting no certain foreground" in record.getMessage()


def test_half_precision_of_fp16_intermediates(run, photo):
    image, mask = run(V2[1], photo.half(), detail_method="GuidedFilter")
    assert image.dtype == mask.dtype == torch.float32
    assert image.shape == (1, 97, 141, 4)


@pytest.mark.parametrize(("method", "most"), [("GuidedFilter", 0.05), ("PyMatting", 0.05), ("VITMatte", 1.0)])
def test_an_8k_picture(method, most, run, networks, photo):
    """The filters change a band along the edge alone; VITMatte's stored output is the same formula everywhere."""
    large = torch.nn.functional.interpolate(photo.movedim(3, 1), (4320, 7680)).movedim(1, 3)
    ((plain_image, plain), (image, mask)) = (
        run(V2[0], large, process_detail=process_detail, detail_method=method) for process_detail in (False, True)
    )
    assert image.shape == (1, 4320, 7680, 4)
    assert torch.equal(image[..., :3], plain_image[..., :3])
    assert torch.equal(image[..., 3], mask)
    assert 0 < (mask != plain).float().mean() <= most


def test_no_picture_is_a_sentence(run):
    with pytest.raises(ValueError, match="empty batch"):
        run(V2[0], torch.zeros(0, 8, 8, 3))
    with pytest.raises(TypeError, match="image is a NoneType"):
        run(V2[0], None)
