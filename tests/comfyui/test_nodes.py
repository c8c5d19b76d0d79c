"""The cut-out nodes in a real ComfyUI, through its own API."""

import io
import json
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import save_file

from mattecore.node_ids import OWN_IDS

ROOT = Path(__file__).parents[2]
EDGE = {
    "detail_method": "GuidedFilter",
    "detail_erode": 6,
    "detail_dilate": 6,
    "black_point": 0.01,
    "white_point": 0.99,
    "process_detail": True,
    "device": "cpu",
    "max_megapixels": 1.0,
}
POINTS = {"black_point": 0.01, "white_point": 0.99}
NODES = {
    "RemBgUltra": ("LayerMask: RemBgUltra", {"detail_range": 8, **POINTS, "process_detail": True}),
    "RmBgUltra V2, guided filter": ("LayerMask: RmBgUltra V2", EDGE),
    "RmBgUltra V2, closed form": ("LayerMask: RmBgUltra V2", {**EDGE, "detail_method": "PyMatting"}),
    "RmBgUltra V2, VITMatte": ("LayerMask: RmBgUltra V2", {**EDGE, "detail_method": "VITMatte"}),
    "RmBgUltra V2, off": ("LayerMask: RmBgUltra V2", {**EDGE, "process_detail": False}),
    "BiRefNetUltra": ("LayerMask: BiRefNetUltra", EDGE),
    "our own id": ("MattecoreRmBgUltraV2", EDGE),
}


def graph(name: str, node: str, settings: dict, picture: str) -> dict:
    """Load, cut, preview."""
    return {
        "1": {"class_type": "LoadImage", "inputs": {"image": picture}},
        "2": {"class_type": node, "inputs": {name: ["1", 0], **settings}},
        "3": {"class_type": "PreviewImage", "inputs": {"images": ["2", 0]}},
    }


def easy(picture: str, output: str = "Preview", prefix: str = "ComfyUI", mode: str = "RMBG-1.4") -> dict:
    prompt = graph("images", "easy imageRemBg", {}, picture)
    prompt["2"]["inputs"] |= {"rem_mode": mode, "image_output": output, "save_prefix": prefix}
    del prompt["3"]
    return prompt


def failure(result: dict) -> dict:
    (data,) = [data for kind, data in result["status"]["messages"] if kind == "execution_error"]
    return data


@pytest.fixture
def uploaded(client, picture):
    """A name for the picture that no other run has had, so that nothing comes from ComfyUI's cache of results."""
    return client.upload(f"{time.monotonic_ns()}.png", picture)


def small(picture: bytes, seed: int = 0, side: int = 96) -> bytes:
    with Image.open(io.BytesIO(picture)) as file:
        rgb = np.asarray(file.convert("RGB").resize((side, side))).copy()
    rgb[0, 0] = seed % 256
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "PNG")
    return buffer.getvalue()


def test_the_nodes_are_there_as_the_seeds_have_them(client, golden_info):
    for node, wanted in golden_info.items():
        info = json.loads(client.request("/object_info/" + node.replace(" ", "%20")))[node]
        for key, value in wanted.items():
            assert json.dumps(info[key]) == json.dumps(value), (node, key)  # as text: the order counts


@pytest.mark.parametrize("path", sorted((ROOT / "web" / "docs").glob("*.md")), ids=lambda path: path.stem)
def test_every_node_has_its_help_page_by_every_id(path, client):
    """Under the addresses that the editor asks for."""
    ids = [path.stem, *(original for original, own in OWN_IDS.items() if own == path.stem)]
    for node_id in ids:
        page = client.request("/extensions/mattecore/docs/" + quote(f"{node_id}.md"))
        assert page == path.read_bytes()


@pytest.fixture
def golden_info():
    edge = {
        "image": ["IMAGE"],
        "detail_method": [["VITMatte", "VITMatte(local)", "PyMatting", "GuidedFilter"]],
        "detail_erode": ["INT", {"default": 6, "min": 1, "max": 255, "step": 1}],
        "detail_dilate": ["INT", {"default": 6, "min": 1, "max": 255, "step": 1}],
        "black_point": ["FLOAT", {"default": 0.01, "min": 0.01, "max": 0.98, "step": 0.01, "display": "slider"}],
        "white_point": ["FLOAT", {"default": 0.99, "min": 0.02, "max": 0.99, "step": 0.01, "display": "slider"}],
        "process_detail": ["BOOLEAN", {"default": True}],
        "device": [["cuda", "cpu"]],
        "max_megapixels": ["FLOAT", {"default": 2.0, "min": 1, "max": 999, "step": 0.1}],
    }
    ultra = {"output": ["IMAGE", "MASK"], "output_name": ["image", "mask"], "category": "😺dzNodes/LayerMask"}
    return {
        "LayerMask: RemBgUltra": {
            **ultra,
            "input": {
                "required": {
                    "image": ["IMAGE"],
                    "detail_range": ["INT", {"default": 8, "min": 1, "max": 256, "step": 1}],
                    "black_point": ["FLOAT", {"default": 0.01, "min": 0.01, "max": 0.98, "step": 0.01}],
                    "white_point": ["FLOAT", {"default": 0.99, "min": 0.02, "max": 0.99, "step": 0.01}],
                    "process_detail": ["BOOLEAN", {"default": True}],
                },
                "optional": {},
            },
            "output_node": False,
        },
        "LayerMask: RmBgUltra V2": {**ultra, "input": {"required": edge, "optional": {}}, "output_node": False},
        "LayerMask: BiRefNetUltra": {**ultra, "input": {"required": edge, "optional": {}}, "output_node": False},
        "easy imageRemBg": {
            "input": {
                "required": {
                    "images": ["IMAGE"],
                    "rem_mode": [["RMBG-1.4"]],
                    "image_output": [["Hide", "Preview", "Save", "Hide/Save"], {"default": "Preview"}],
                    "save_prefix": ["STRING", {"default": "ComfyUI"}],
                },
                "hidden": {"prompt": "PROMPT", "extra_pnginfo": "EXTRA_PNGINFO"},
            },
            "output": ["IMAGE", "MASK"],
            "output_name": ["image", "mask"],
            "category": "EasyUse/Image",
            "output_node": True,
        },
    }


@pytest.mark.parametrize(("node", "settings"), NODES.values(), ids=NODES)
def test_a_node_cuts_an_uploaded_picture(node, settings, client, uploaded, picture):
    result = client.run(graph("image", node, settings, uploaded))
    assert result["status"]["status_str"] == "success", result["status"]
    (shown,) = result["outputs"]["3"]["images"]
    with Image.open(io.BytesIO(client.view(shown))) as cut, Image.open(io.BytesIO(picture)) as original:
        assert cut.mode == "RGBA"
        assert np.array_equal(np.asarray(cut)[..., :3], np.asarray(original.convert("RGB")))


def test_easy_shows_and_saves(client, uploaded):
    result = client.run(easy(uploaded, "Save", "cut/%width%"))
    (file,) = result["outputs"]["2"]["images"]
    assert (file["subfolder"], file["type"]) == ("cut", "output")
    with Image.open(io.BytesIO(client.view(file))) as saved:
        assert saved.mode == "RGBA"
        assert file["filename"] == f"{saved.width}_00001_.png"
        assert json.loads(saved.text["prompt"])["2"]["class_type"] == "easy imageRemBg"


def test_a_way_out_of_the_output_folder_is_refused(client, uploaded):
    result = client.run(easy(uploaded, "Save", "../../out"))
    assert "outside the output folder" in failure(result)["exception_message"]


def test_newer_values(client, uploaded):
    error = failure(client.run(easy(uploaded, "Hide", mode="BEN2")))
    (line,) = error["exception_message"].strip().splitlines()
    assert line.startswith("rem_mode is 'BEN2', which mattecore does not have; wanted RMBG-1.4 or RMBG-2.0")
    settings = {**EDGE, "detail_method": "vitmatte-base-composition-1k"}
    error = failure(client.run(graph("image", "LayerMask: RmBgUltra V2", settings, uploaded)))
    assert "MATTECORE_OFFLINE is set, so vitmatte-base is not fetched" in error["exception_message"]  # it was let in
    with pytest.raises(Exception, match=r"detail_method is 'SDMatte'; wanted VITMatte, "):
        client.submit(graph("image", "LayerMask: RmBgUltra V2", {**settings, "detail_method": "SDMatte"}, uploaded))


@pytest.fixture
def rmbg_2(models, drawn, client):
    """Weights of RMBG-2.0's size and names, a BiRefNet's, where a user has them."""
    path = models / "RMBG" / "RMBG-2.0" / "model.safetensors"
    path.parent.mkdir(parents=True)
    save_file(drawn("birefnet_general.safetensors.txt"), path)
    yield
    client.free()
    client.rest()
    shutil.rmtree(path.parent)


def test_rmbg_2_cuts_a_soft_mask(rmbg_2, client, uploaded, picture):
    result = client.run(easy(uploaded, mode="RMBG-2.0"))
    assert result["status"]["status_str"] == "success", result["status"]
    (shown,) = result["outputs"]["2"]["images"]
    with Image.open(io.BytesIO(client.view(shown))) as cut, Image.open(io.BytesIO(picture)) as original:
        pixels = np.asarray(cut)
        assert np.array_equal(pixels[..., :3], np.asarray(original.convert("RGB")))
    assert len(np.unique(pixels[..., 3])) > 2


def test_missing_weights_are_one_readable_line(client, uploaded, server):
    error = failure(client.run(easy(uploaded, "Hide", mode="RMBG-2.0")))
    (line,) = error["exception_message"].strip().splitlines()
    assert line.startswith("the weights rmbg-2.0 are not here: there is no RMBG/RMBG-2.0/model.safetensors in ")
    assert str(server.folder / "models") in line
    assert "weights download rmbg-2.0" in line


def test_progress_and_a_preview_are_seen(client, events, uploaded):
    client.run(graph("image", "LayerMask: RmBgUltra V2", EDGE, uploaded))
    events.wait_for(lambda seen: any(data["value"] == 2 for data in seen.of("progress")))
    assert [(data["value"], data["max"]) for data in events.of("progress") if data["node"] == "2"] == [(1, 2), (2, 2)]
    events.wait_for(lambda seen: any(b"JFIF" in data for data in seen.of("binary")))


def test_an_interrupt_is_felt_within_half_a_second(client, events, picture):
    """Sixty pictures, stopped when the first one is on its way."""
    prompt = graph("image", "LayerMask: RmBgUltra V2", EDGE, "")
    prompt["1"]["inputs"]["image"] = client.upload(f"{time.monotonic_ns()}.png", small(picture))
    prompt["4"] = {"class_type": "RepeatImageBatch", "inputs": {"image": ["1", 0], "amount": 60}}
    prompt["2"]["inputs"]["image"] = ["4", 0]
    prompt_id = client.submit(prompt)
    events.wait_for(lambda seen: bool(seen.of("progress")))
    asked = time.monotonic()
    client.request("/interrupt", b"", method="POST")
    events.wait_for(lambda seen: bool(seen.of("execution_interrupted")))
    felt = next(at for at, kind, _ in events.messages if kind == "execution_interrupted") - asked
    assert client.wait(prompt_id)["status"]["status_str"] == "error"
    values = [data["value"] for data in events.of("progress") if data["node"] == "2"]
    assert max(values) < 120
    print(f"interrupt felt after {felt:.3f} s")


def test_fifty_prompts_of_several_clients(server, picture):
    names = ["RemBgUltra", "RmBgUltra V2, guided filter", "RmBgUltra V2, off"]

    def ask(number: int) -> str:
        client = server.client()
        name = client.upload(f"{time.monotonic_ns()}-{number}.png", small(picture, number, 64))
        if number % 5 == 0:
            return client.run(easy(name))["status"]["status_str"]
        node, settings = NODES[names[number % len(names)]]
        return client.run(graph("image", node, settings, name))["status"]["status_str"]

    with ThreadPoolExecutor(10) as pool:
        assert list(pool.map(ask, range(50))) == ["success"] * 50


def test_free_gives_the_networks_memory_back(server, client, picture):
    def cut() -> None:
        name = client.upload(f"{time.monotonic_ns()}.png", small(picture, side=64))
        result = client.run(graph("image", "LayerMask: RmBgUltra V2", EDGE, name))
        assert result["status"]["status_str"] == "success"

    def free() -> float:
        client.free()
        client.rest()
        return server.resident_mib()

    cut()
    without = free()
    cut()
    loaded = server.resident_mib()
    assert loaded - without > 150  # RMBG is there ...
    assert free() - without < 40  # ... and goes
