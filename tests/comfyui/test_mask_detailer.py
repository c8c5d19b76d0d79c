"""MaskDetailerPipe in a real ComfyUI: its validator, samplers and nodes, on a small model with made-up weights.

COMFYUI_DIR names the folder of its main.py; COMFYUI_PYTHON the Python that has its packages and mattecore, without it
the one of a venv in or beside that folder.
"""

import json
import os
import subprocess
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

SETTINGS = {
    **{"guide_size": 64, "guide_size_for": True, "max_size": 128, "mask_mode": True, "seed": 5, "steps": 2, "cfg": 3.0},
    **{"sampler_name": "euler", "scheduler": "normal", "denoise": 0.5, "feather": 5, "crop_factor": 2.0},
    **{"drop_size": 10, "refiner_ratio": 0.5, "batch_size": 1, "cycle": 1},
}
VARIANTS = {
    "plain": {},
    "again": {"cfg": 3},
    "seed": {"seed": 6},
    "whole": {"mask_mode": False},
    "noise_mask_feather 20": {"noise_mask_feather": 20},
    "noise_mask_feather 0": {"noise_mask_feather": 0},
    "inpaint_model": {"inpaint_model": True},
    "inpaint_model, feathered": {"inpaint_model": True, "noise_mask_feather": 20},
    "feather 0": {"feather": 0},
    "denoise 1": {"denoise": 1.0},
    "cycle 3": {"cycle": 3},
    "batch_size 3": {"batch_size": 3},
    "crop_factor 1": {"crop_factor": 1.0},
    "crop_factor 10": {"crop_factor": 10.0},
    "guide_size of the crop": {"guide_size_for": False},
    "max_size": {"guide_size": 512, "max_size": 96},
    "refiner": {"refiner_basic_pipe_opt": ["refiner", 0]},
    "refiner, whole": {"refiner_basic_pipe_opt": ["refiner", 0], "mask_mode": False},
    "bbox_fill": {"bbox_fill": True, "feather": 0},
    "contour_fill off": {"contour_fill": False, "feather": 0},
    "contour_fill on": {"contour_fill": True, "feather": 0},
    "scheduler_func_opt": {"scheduler_func_opt": ["schedule", 0]},
    "mask empty": {"mask": ["empty", 0]},
    "mask of all": {"mask": ["all", 0]},
    "mask of half the size": {"mask": ["half", 0]},
    "masks": {"mask": ["masks", 0]},
    "transparent": {"image": ["transparent", 0]},
    "AYS SD1": {"scheduler": "AYS SD1"},
    "AYS SDXL": {"scheduler": "AYS SDXL", "sampler_name": "dpm_2"},
    "GITS": {"scheduler": "GITS[coeff=1.2]"},
    "LTXV": {"scheduler": "LTXV[default]"},
    "ancestral": {"sampler_name": "euler_ancestral"},
    "sde": {"sampler_name": "dpmpp_sde"},
    "2m_sde": {"sampler_name": "dpmpp_2m_sde_gpu"},
    "lcm": {"sampler_name": "lcm"},
    # What is not to run.
    "OSS": {"scheduler": "OSS FLUX"},
    "unknown scheduler": {"scheduler": "kerras"},
    "unknown sampler": {"sampler_name": "eular"},
    "batch": {"image": ["images", 0]},
    "interrupt": {"detailer_hook": ["hook", 0]},
    # KSampler's picture.
    "all of the picture": {
        **{"image": ["square", 0], "mask": ["all of the square", 0], "mask_mode": False, "feather": 0},
        **{"steps": 3, "denoise": 0.6},
    },
}
REFUSED = ("OSS", "unknown scheduler", "unknown sampler")
FAILING = ("batch", "interrupt")
RUNNING = [name for name in VARIANTS if name not in REFUSED + FAILING]

TWO = [(10, 12, 40, 40), (70, 50, 100, 78)]


def arrays() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(3)
    picture = generator.integers(0, 256, (1, 90, 120, 3)).astype(np.float32) / 255
    mask = np.zeros((90, 120), np.float32)
    for left, top, right, bottom in TWO:
        mask[top:bottom, left:right] = 0.5
    mask[20:25, 20:25] = 0
    return {
        "picture": picture,
        "transparent": np.concatenate([picture, picture[..., :1]], -1),
        "images": np.concatenate([picture, picture[:, ::-1]]),
        "square": picture[:, 10:74, 10:74],
        "mask": mask[None],
        "masks": np.stack([mask, mask[::-1]]),
        "half": mask[None, ::2, ::2],
        "empty": np.zeros((1, 64, 64), np.float32),
        "all": np.ones((1, 90, 120), np.float32),
        "all of the square": np.ones((1, 64, 64), np.float32),
    }


def prompt(name: str, changes: dict, folder: Path, node: str = "MattecoreMaskDetailerPipe") -> dict:
    def one(class_type: str, **inputs: object) -> dict:
        return {"class_type": class_type, "inputs": inputs}

    def pipe(model: str) -> dict:
        parts = ("model", "clip", "vae", "positive", "negative")
        return one("MattecoreToBasicPipe", **{part: [model, i] for i, part in enumerate(parts)})

    graph = {file: one("TestArray", file=str(folder / f"{file}.npy")) for file in arrays()}
    graph |= {"model": one("TestTinyModel", seed=1), "pipe": pipe("model"), "refiner": pipe("other")}
    graph |= {"other": one("TestTinyModel", seed=2), "hook": one("TestHook"), "schedule": one("TestLinearSchedule")}
    given = {"image": ["picture", 0], "mask": ["mask", 0], "basic_pipe": ["pipe", 0]}
    graph["node"] = one(node, **{**given, **SETTINGS, **changes})
    for i, output in enumerate(("image", "refined", "alpha")):
        graph[f"keep {output}"] = one("TestKeep", value=["node", i], name=f"{name}, {output}")
    return graph


def core_prompt(folder: Path) -> dict:
    """What core's own nodes make of the case "all of the picture"."""
    graph = prompt("core", VARIANTS["all of the picture"], folder)
    settings = graph.pop("node")["inputs"]
    for output in ("refined", "alpha"):
        del graph[f"keep {output}"]
    graph["encode"] = {"class_type": "VAEEncode", "inputs": {"pixels": ["square", 0], "vae": ["model", 2]}}
    kept = ("seed", "steps", "cfg", "sampler_name", "scheduler", "denoise")
    graph["node"] = {
        "class_type": "KSampler",
        "inputs": {
            **{key: settings[key] for key in kept},
            **{
                "model": ["model", 0],
                "positive": ["model", 3],
                "negative": ["model", 4],
                "latent_image": ["encode", 0],
            },
        },
    }
    graph["decode"] = {"class_type": "VAEDecode", "inputs": {"samples": ["node", 0], "vae": ["model", 2]}}
    graph["keep image"]["inputs"]["value"] = ["decode", 0]
    return graph


def interpreter(comfyui: Path) -> Path:
    named = os.environ.get("COMFYUI_PYTHON")
    found = [Path(named)] if named else [folder / "venv" / "bin" / "python" for folder in (comfyui, comfyui.parent)]
    return next((path for path in found if path.is_file()), found[0])


@pytest.fixture(scope="module")
def comfyui(tmp_path_factory) -> SimpleNamespace:
    """Runs every prompt in one ComfyUI; ``results`` by name, and ``load(name, output)`` the arrays."""
    if not os.environ.get("COMFYUI_DIR"):
        pytest.skip("COMFYUI_DIR is not set: no real ComfyUI to run in")
    folder = Path(os.environ["COMFYUI_DIR"]).resolve()
    base = tmp_path_factory.mktemp("comfyui")
    for name in ("custom_nodes", "output"):
        (base / name).mkdir()
    (base / "custom_nodes" / "mattecore").symlink_to(ROOT)
    (base / "custom_nodes" / "scratch_nodes.py").symlink_to(HERE / "scratch_nodes.py")
    for name, array in arrays().items():
        np.save(base / f"{name}.npy", array)
    prompts = {name: prompt(name, changes, base) for name, changes in VARIANTS.items()}
    prompts["core"] = core_prompt(base)
    prompts["batch node"] = prompt(
        "batch node", {"image": ["images", 0], "mask": ["masks", 0]}, base, "MattecoreMaskDetailerBatch"
    )
    (base / "prompts.json").write_text(json.dumps(prompts))
    command = [interpreter(folder), HERE / "run_prompts.py", folder, base]
    process = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert (base / "results.json").is_file(), process.stderr[-4000:]
    answer = json.loads((base / "results.json").read_text())

    def load(name: str, output: str) -> list[np.ndarray]:
        files = sorted(
            (base / "output").glob(f"{name}, {output}_*.npy"), key=lambda file: int(file.stem.split("_")[-1])
        )
        return [np.load(file) for file in files]

    return SimpleNamespace(**answer, load=load)


def test_the_schedulers_are_comfyui_s_and_the_later_inputs_are_not_shown(comfyui):
    inputs = comfyui.inputs["MattecoreMaskDetailerPipe"]
    assert inputs["required"]["sampler_name"] == [comfyui.samplers]
    assert inputs["required"]["scheduler"] == [[*comfyui.schedulers, "AYS SDXL", "AYS SD1", "AYS SVD"]]
    assert list(inputs["optional"]) == [
        "refiner_basic_pipe_opt",
        "detailer_hook",
        "inpaint_model",
        "noise_mask_feather",
    ]


@pytest.mark.parametrize("name", RUNNING)
def test_it_runs_and_changes_the_masked_part_alone(comfyui, name):
    result = comfyui.results[name]
    assert (result["status"], result["error"]) == ("success", "")
    (image,) = comfyui.load(name, "image")
    assert np.isfinite(image).all()
    count = VARIANTS[name].get("batch_size", 1)
    given = arrays()[VARIANTS[name].get("image", ["picture"])[0]]
    assert image.shape == (count, *given.shape[1:])
    changed = (image != given).any(-1)
    source = VARIANTS[name].get("mask", ["mask"])[0]
    if source == "empty":
        assert not changed.any()
        assert [crop.shape for crop in comfyui.load(name, "refined")] == [(1, 64, 64, 3)]
        return
    assert changed.any()
    if name.startswith(("all", "mask of", "masks")):
        return
    reach = VARIANTS[name].get("feather", 5)
    near = np.zeros(given.shape[1:3], bool)
    for left, top, right, bottom in TWO:
        near[max(top - reach, 0) : bottom + reach, max(left - reach, 0) : right + reach] = True
    assert not changed[:, ~near].any()
    assert len(comfyui.load(name, "refined")) == len(comfyui.load(name, "alpha")) == 2 * count


def test_the_whole_picture_is_ksampler_s(comfyui):
    """Nothing to cut, enlarge or paste is left: only 8 bits come between."""
    assert comfyui.results["core"]["status"] == "success"
    (ours,), (core,) = comfyui.load("all of the picture", "image"), comfyui.load("core", "image")
    assert np.array_equal(ours, np.floor(np.clip(core * 255, 0, 255)).astype(np.float32) / 255)


def test_seeds_decide(comfyui):
    (plain,), (again,), (other,) = (comfyui.load(name, "image") for name in ("plain", "again", "seed"))
    assert np.array_equal(plain, again)
    assert not np.array_equal(plain, other)


@pytest.mark.parametrize(
    "name",
    ["whole", "noise_mask_feather 20", "scheduler_func_opt", "feather 0", "denoise 1", "cycle 3", "refiner", "AYS SD1"],
)
def test_settings_change_the_picture(comfyui, name):
    (plain,), (changed,) = comfyui.load("plain", "image"), comfyui.load(name, "image")
    assert not np.array_equal(plain, changed)


def test_constants_of_later_inputs_arrive(comfyui):
    """ComfyUI's validator drops constants that it finds no input for."""
    inside = {
        name: comfyui.load(name, "alpha")[-1][0, ..., 3].max() for name in ("contour_fill on", "contour_fill off")
    }
    assert inside == {"contour_fill on": 1, "contour_fill off": 0.5}
    hole = {name: comfyui.load(name, "alpha")[-1][0, ..., 3] for name in ("contour_fill off", "bbox_fill")}
    assert (hole["bbox_fill"] == 1).sum() == 30 * 28
    assert (hole["contour_fill off"] > 0).sum() == 30 * 28 - 25


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("OSS", "the scheduler 'OSS FLUX' searches its steps with the model, which mattecore does not do"),
        ("unknown scheduler", "the scheduler 'kerras' is not known here; choose one of"),
        ("unknown sampler", "'eular' not in"),
    ],
)
def test_the_validator_refuses_in_a_sentence(comfyui, name, sentence):
    assert comfyui.results[name]["status"] == "refused"
    assert sentence in comfyui.results[name]["error"]


def test_a_batch_is_refused_and_the_batch_node_takes_it(comfyui):
    assert comfyui.results["batch"]["status"] == "error"
    assert comfyui.results["batch"]["error"].startswith(
        "MaskDetailerPipe works on one image, and this batch holds 2; use"
    )
    assert comfyui.results["batch node"]["status"] == "success"
    (both,), (first,) = comfyui.load("batch node", "image"), comfyui.load("plain", "image")
    assert np.array_equal(both[:1], first)
    assert not np.array_equal(both[1], arrays()["images"][1])


def test_an_interrupt_in_the_middle_ends_the_work(comfyui):
    assert comfyui.results["interrupt"]["status"] == "interrupted"
    assert comfyui.load("interrupt", "image") == []


def test_progress_and_previews_are_ksampler_s(comfyui):
    assert comfyui.results["plain"]["progress"] == [[1, 2], [2, 2]] * 2
    assert comfyui.results["plain"]["previews"] > 0
    assert comfyui.results["core"]["progress"] == [[1, 3], [2, 3], [3, 3]]
    assert comfyui.results["core"]["previews"] > 0
