"""Names become weights that are here, or one sentence says what to do."""

import pytest

from mattecore.cutting import models
from mattecore.weights import WeightsError, manifest

pytestmark = pytest.mark.usefixtures("models_folder")


def test_auto_is_what_comes_along_where_nothing_else_is_here():
    model = models.find("auto")
    assert model.name == "builtin"
    assert model == models.find("builtin")
    assert model.note.endswith("a stronger one: mattecore weights download birefnet-general")


def test_auto_is_the_strongest_that_is_here(put):
    put("isnet-general-use")
    assert models.find("auto").name == "isnet-general-use"
    path = put("birefnet-general")
    model = models.find("auto")
    assert (model.name, model.file) == ("birefnet-general", path)
    assert "licence MIT. Free for commercial use." in model.note


def test_every_network_for_masks_has_a_place_in_the_order():
    masks = {entry.name for entry in manifest() if entry.family != "vitmatte"}
    assert set(models.STRENGTH) == masks
    assert len(models.STRENGTH) == len(masks)


def test_a_name_whose_weights_are_not_here():
    with pytest.raises(
        WeightsError, match=r"rmbg-1.4 are not here; fetch them with: mattecore weights download rmbg-1.4"
    ):
        models.find("rmbg-1.4")
    with pytest.raises(
        WeightsError, match=r"vitmatte-small are not here; .* mattecore weights download vitmatte-small"
    ):
        models.find_vitmatte("vitmatte")


def test_the_larger_vitmatte_stands_in_for_the_smaller(put):
    put("vitmatte-base")
    assert models.find_vitmatte("vitmatte").name == "vitmatte-base"


def test_a_path(tmp_path):
    (tmp_path / "mine.safetensors").touch()
    assert models.find(str(tmp_path / "mine.safetensors")).file == tmp_path / "mine.safetensors"


def test_a_name_that_nobody_knows():
    with pytest.raises(WeightsError, match=r"there is no model 'birefnet-genral', .* did you mean birefnet-general\?$"):
        models.find("birefnet-genral")
    with pytest.raises(
        WeightsError, match=r"there is no model 'xyz', nor a file of that name \(mattecore weights list"
    ):
        models.find("xyz")
