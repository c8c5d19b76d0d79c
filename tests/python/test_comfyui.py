import pytest

from mattecore import comfyui


def test_comfyui_dir_goes_first(tmp_path):
    (tmp_path / "folder_paths.py").touch()
    found = comfyui.find(tmp_path / "other" / "custom_nodes" / "mattecore", {"COMFYUI_DIR": str(tmp_path)})
    assert found == comfyui.ComfyUI(tmp_path, "COMFYUI_DIR")
    assert found.models == tmp_path / "models"
    assert found.custom_nodes == tmp_path / "custom_nodes"


def test_a_comfyui_dir_that_is_none_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"^COMFYUI_DIR is .*, which holds no folder_paths.py; set it to"):
        comfyui.find(None, {"COMFYUI_DIR": str(tmp_path)})


def test_the_place_of_the_checkout(tmp_path):
    found = comfyui.find(tmp_path / "custom_nodes" / "mattecore", {})
    assert found is not None
    assert found.folder == tmp_path


@pytest.mark.parametrize("checkout", [None, "src/mattecore"])
def test_nowhere(tmp_path, checkout):
    assert comfyui.find(checkout and tmp_path / checkout, {"COMFYUI_DIR": ""}) is None
