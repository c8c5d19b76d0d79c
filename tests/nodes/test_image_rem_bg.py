"""`easy imageRemBg`: its modes, what it shows and what it writes."""

import json
import re

import numpy as np
import pytest
import torch
from PIL import Image


@pytest.fixture
def images(golden):
    return torch.from_numpy(golden("node_imageRemBg__11_batch3")["in_image"])


@pytest.fixture
def node(pack, networks):
    return pack.NODE_CLASS_MAPPINGS["easy imageRemBg"]()


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_as_another_pack_calls_it(node, images, comfyui):
    result = node.remove("RMBG-1.4", images, "Hide", "ComfyUI")
    assert result["ui"] == {}
    image, mask = result["result"]
    assert image.shape == (3, 64, 80, 4)
    assert mask.shape == (3, 64, 80)
    assert files(comfyui.folder) == []


def test_preview(node, images, comfyui):
    result = node.remove("RMBG-1.4", images, "Preview", "mine/%width%")
    shown = result["ui"]["images"]
    assert len(shown) == 3
    for number, one in enumerate(shown, 1):
        assert re.fullmatch(rf"easyPreview_temp_[a-z]{{5}}_0000{number}_\.png", one["filename"])
        assert one["subfolder"] == ""
        assert one["type"] == "temp"
    assert files(comfyui.folder / "temp") == sorted(one["filename"] for one in shown)
    assert files(comfyui.folder / "output") == []


def test_previews_of_two_runs_do_not_meet(node, images, comfyui):
    for _ in range(2):
        node.remove("RMBG-1.4", images[:1], "Preview", "x")
    assert len(files(comfyui.folder / "temp")) == 2


@pytest.mark.parametrize("output", ["Save", "Hide/Save"])
def test_save(node, images, comfyui, output):
    result = node.remove("RMBG-1.4", images, output, "cut/%width%x%height%_%batch_num%")
    written = ["cut/80x64_0_00001_.png", "cut/80x64_1_00002_.png", "cut/80x64_2_00003_.png"]
    assert files(comfyui.folder / "output") == written
    assert files(comfyui.folder / "temp") == []
    if output == "Save":
        named = [f"{one['subfolder']}/{one['filename']}" for one in result["ui"]["images"]]
        assert named == written
        assert {one["type"] for one in result["ui"]["images"]} == {"output"}
    else:
        assert result["ui"] == {}


def test_the_files_hold_the_very_pictures_and_where_they_came_from(node, images, comfyui):
    prompt, extra = {"1": {"class_type": "x"}}, {"workflow": {"nodes": []}, "more": [1, "ü"]}
    result = node.remove("RMBG-1.4", images, "Save", "p", prompt, extra)
    for index in range(3):
        with Image.open(comfyui.folder / "output" / f"p_0000{index + 1}_.png") as file:
            assert file.mode == "RGBA"
            assert {key: json.loads(text) for key, text in file.text.items()} == {"prompt": prompt, **extra}
            pixels = np.asarray(file)
        assert np.array_equal(pixels, (result["result"][0][index] * 255).round().numpy())


def test_disable_metadata(node, images, comfyui):
    comfyui.modules["comfy.cli_args"].args.disable_metadata = True
    node.remove("RMBG-1.4", images[:1], "Save", "p", {"1": {}}, {"workflow": {}})
    with Image.open(comfyui.folder / "output" / "p_00001_.png") as file:
        assert file.text == {}


def test_numbers_go_on(node, images, comfyui):
    for _ in range(2):
        node.remove("RMBG-1.4", images[:2], "Save", "p")
    assert files(comfyui.folder / "output") == [f"p_0000{number}_.png" for number in (1, 2, 3, 4)]


def test_a_prefix_that_leaves_the_output_folder_is_refused(node, images, comfyui):
    with pytest.raises(Exception, match="outside the output folder"):
        node.remove("RMBG-1.4", images[:1], "Save", "../../elsewhere")
    assert files(comfyui.folder) == []


def test_rmbg_2(node, images, networks):
    result = node.remove("RMBG-2.0", images, "Hide", "x")
    assert networks["asked"] == [("rmbg-2.0", "cpu", False)]
    assert torch.equal(result["result"][0][..., 3], result["result"][1])


@pytest.mark.parametrize("mode", ["BEN2", "Inspyrenet", "rmbg-1.4", None])
def test_other_modes_are_refused_in_a_sentence(node, images, mode):
    with pytest.raises(ValueError) as raised:
        node.remove(mode, images, "Hide", "x")
    assert str(raised.value) == (
        f"rem_mode is {mode!r}, which mattecore does not have; wanted RMBG-1.4 or RMBG-2.0, "
        "or the node of another pack for it"
    )


def test_another_output_is_refused_in_a_sentence(node, images):
    with pytest.raises(ValueError, match="image_output is 'Sender'; wanted Hide, Preview, Save, Hide/Save"):
        node.remove("RMBG-1.4", images, "Sender", "x")


@pytest.mark.parametrize("shape", [(1, 1, 1, 3), (1, 1, 50, 3), (1, 50, 1, 4), (1, 2, 2, 1)], ids=str)
def test_degenerate_pictures_keep_their_size(node, shape):
    image, mask = node.remove("RMBG-1.4", torch.rand(shape), "Hide", "x")["result"]
    assert image.shape == (*shape[:3], 4)
    assert mask.shape == shape[:3]
