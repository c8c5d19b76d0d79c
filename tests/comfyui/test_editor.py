"""The editor's page in a real browser: every example workflow loads, has the seeds' defaults, and runs."""

import io
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "example_workflows").glob("*.json"))
# A new user's page would lay its tour and its templates over the canvas.
SETTINGS = {"Comfy.TutorialCompleted": True, "Comfy.Release.Status": "skipped"}
READY = """() => window.app && window.app.graph && window.app.extensionManager
    && Object.keys(window.LiteGraph.registered_node_types).length > 20 && window.app.vueAppReady !== false
    && !document.querySelector('.p-blockui-mask')"""


@pytest.fixture(scope="module")
def page(server) -> Iterator[Any]:
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed (pip install playwright)"
    )
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        pytest.skip("there is no chromium (Debian's package chromium, or CHROMIUM names one)")
    for key, value in SETTINGS.items():
        server.client().request(f"/settings/{key}", value)
    with playwright.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage"])
        page = browser.new_page(viewport={"width": 1600, "height": 1000})
        page.set_default_timeout(60_000)
        page.goto(server.url)
        page.wait_for_function(READY)
        yield page
        browser.close()


@pytest.fixture
def open_workflow(page, client, picture, video) -> Callable[[Path], None]:
    def load(path: Path) -> None:
        client.upload("example.png", picture)
        workflow = json.loads(path.read_text(encoding="utf-8"))
        if "nodes" in workflow:
            page.evaluate("workflow => window.app.loadGraphData(workflow)", workflow)
        else:
            page.evaluate("prompt => window.app.loadApiJson(prompt, 'api.json')", workflow)
        page.wait_for_function("count => window.app.graph._nodes.length === count", arg=count_of(workflow))
        # Only what is in view is drawn, and only what is drawn fetches its picture.
        page.evaluate("() => window.app.extensionManager.command.execute('Comfy.Canvas.FitView')")

    return load


def count_of(workflow: dict) -> int:
    return len(workflow.get("nodes", workflow))


def dialogs(page: Any) -> list[str]:
    """What lies over the canvas."""
    return page.evaluate(
        "() => [...document.querySelectorAll('.p-dialog, .p-toast-message')].map(e => e.innerText.trim())"
    )


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_workflow_loads_without_a_word_about_missing_nodes(path, page, open_workflow):
    open_workflow(path)
    unknown = page.evaluate(
        "() => window.app.graph._nodes.map(n => n.type).filter(t => !(t in window.LiteGraph.registered_node_types))"
    )
    assert unknown == []
    assert [text for text in dialogs(page) if "issing" in text] == []


EDGE = {"detail_method": "VITMatte", "detail_erode": 6, "detail_dilate": 6}
POINTS = {"black_point": 0.01, "white_point": 0.99, "process_detail": True}
FRESH = {
    "LayerMask: RemBgUltra": {"detail_range": 8, **POINTS},
    "LayerMask: RmBgUltra V2": {**EDGE, **POINTS, "device": "cuda", "max_megapixels": 2},
    "LayerMask: BiRefNetUltra": {**EDGE, **POINTS, "device": "cuda", "max_megapixels": 2},
    "easy imageRemBg": {"rem_mode": "RMBG-1.4", "image_output": "Preview", "save_prefix": "ComfyUI"},
    "MaskDetailerPipe": {
        **{"guide_size": 384, "guide_size_for": True, "max_size": 1024, "mask_mode": True, "seed": 0},
        **{"control_after_generate": "randomize", "steps": 20, "cfg": 8, "sampler_name": "euler"},
        **{"scheduler": "simple", "denoise": 0.5, "feather": 5, "crop_factor": 3, "drop_size": 10},
        **{"refiner_ratio": 0.2, "batch_size": 1, "cycle": 1, "inpaint_model": False, "noise_mask_feather": 20},
    },
}
WIDGETS = "type => window.LiteGraph.createNode(type).widgets.map(w => [w.name, w.value, w.label])"


@pytest.mark.parametrize("node_id", FRESH)
def test_a_fresh_node_has_the_seed_s_defaults(node_id, page):
    assert [(name, value) for name, value, _ in page.evaluate(WIDGETS, node_id)] == list(FRESH[node_id].items())


@pytest.mark.parametrize("language", ["ru", "zh", "en"])
@pytest.mark.parametrize("node_id", ["LayerMask: RmBgUltra V2", "MattecoreMaskDetailerBatch"])
def test_widgets_are_named_in_the_editor_s_language(node_id, language, page):
    page.evaluate("language => window.app.extensionManager.setting.set('Comfy.Locale', language)", language)
    words = json.loads((ROOT / "locales" / language / "nodeDefs.json").read_text(encoding="utf-8"))[node_id]["inputs"]
    page.wait_for_function(f"([type, name]) => ({WIDGETS})(type)[0][2] === name", arg=[node_id, first_name(words)])
    for name, _, label in page.evaluate(WIDGETS, node_id):
        assert name not in words or label == words[name]["name"]


def first_name(words: dict) -> str:
    """What the first widget is called; inputs that are wires have none."""
    return next(one["name"] for name, one in words.items() if name in ("detail_method", "guide_size"))


SHOWN = """() => {
    window.app.canvas.draw(true, true);
    return window.app.graph._nodes
        .filter(n => n.constructor.nodeData.output_node)
        .map(n => window.app.nodeOutputs[n.id]?.images && n.imgs?.length ? n.imgs[0].naturalWidth : 0)
}"""


def run(page: Any) -> None:
    page.get_by_role("button", name="Run", exact=True).first.click()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_run_shows_a_picture(path, page, open_workflow, tmp_path):
    open_workflow(path)
    run(page)
    try:
        page.wait_for_function(
            f"() => {{ const widths = ({SHOWN})(); return widths.length && widths.every(width => width > 0) }}",
            timeout=90_000,
        )
    finally:
        shown = page.evaluate(SHOWN), page.evaluate("() => JSON.stringify(window.app.nodeOutputs)")
        page.screenshot(path=tmp_path / "editor.png")  # for the eye, where pytest keeps it
    assert dialogs(page) == [], shown


def test_the_video_is_cut_frame_by_frame(page, open_workflow, client):
    open_workflow(ROOT / "example_workflows" / "Video.json")
    run(page)
    saved = page.evaluate("() => window.app.graph._nodes.find(node => node.type === 'SaveAnimatedWEBP').id")
    page.wait_for_function("id => window.app.nodeOutputs[id]?.images", arg=saved, timeout=90_000)
    (file,) = page.evaluate("id => window.app.nodeOutputs[id].images", saved)
    with Image.open(io.BytesIO(client.view(file))) as cut:
        assert (cut.format, cut.n_frames, cut.size) == ("WEBP", 6, (160, 128))
        for frame in range(cut.n_frames):
            cut.seek(frame)
            assert cut.mode == "RGBA"


def test_missing_weights_are_one_line_in_the_editor_s_own_dialog(page, open_workflow, models):
    open_workflow(ROOT / "example_workflows" / "Image Remove Bg.json")
    page.evaluate(
        "() => { window.app.graph._nodes.find(n => n.type === 'MattecoreImageRemBg').widgets[0].value = 'RMBG-2.0' }"
    )
    run(page)
    dialog = page.locator(".p-dialog").first
    dialog.wait_for(timeout=30_000)
    lines = [line for line in dialog.inner_text().splitlines() if "the weights rmbg-2.0 are not here" in line]
    page.keyboard.press("Escape")
    (line,) = lines
    assert str(models) in line
    assert line.endswith(f"weights download rmbg-2.0 --to {models}")


def test_the_editor_s_free_model_gives_the_memory_back(page, open_workflow, client, server):
    open_workflow(ROOT / "example_workflows" / "Image Remove Bg.json")
    client.free()
    client.rest()
    without = server.resident_mib()
    run(page)
    page.wait_for_function(f"() => ({SHOWN})().every(width => width > 0)", timeout=90_000)
    assert server.resident_mib() - without > 150  # RMBG is there ...
    page.evaluate("() => window.app.extensionManager.command.execute('Comfy.Memory.UnloadModels')")
    client.rest()
    assert server.resident_mib() - without < 40  # ... and goes
