"""The editor's page in a real browser: every example workflow loads, has the seeds' defaults, and runs."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

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
def open_workflow(page, client, picture) -> Callable[[Path], None]:
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


@pytest.mark.parametrize("node_id", ["LayerMask: RemBgUltra", "LayerMask: RmBgUltra V2", "LayerMask: BiRefNetUltra"])
def test_a_fresh_node_has_the_seed_s_defaults_and_translated_names(node_id, page):
    widgets = page.evaluate(
        """type => { const node = window.LiteGraph.createNode(type);
           return node.widgets.map(w => [w.name, w.value, w.label]); }""",
        node_id,
    )
    edge = {"detail_method": "VITMatte", "detail_erode": 6, "detail_dilate": 6}
    points = {"black_point": 0.01, "white_point": 0.99, "process_detail": True}
    wanted = (
        {"detail_range": 8, **points}
        if node_id == "LayerMask: RemBgUltra"
        else {**edge, **points, "device": "cuda", "max_megapixels": 2}
    )
    assert {name: value for name, value, _ in widgets} == wanted
    assert [name for name, _, _ in widgets] == list(wanted)
    assert "black point" in [label for _, _, label in widgets]


SHOWN = """() => {
    window.app.canvas.draw(true, true);
    return window.app.graph._nodes
        .filter(n => n.type === 'PreviewImage' || n.type === 'MattecoreImageRemBg')
        .map(n => n.imgs && n.imgs.length ? n.imgs[0].naturalWidth : 0)
}"""


@pytest.mark.parametrize("name", ["RemBgUltra", "RmBgUltra V2", "BiRefNetUltra", "Image Remove Bg"])
def test_run_shows_a_picture(name, page, open_workflow):
    open_workflow(ROOT / "example_workflows" / f"{name}.json")
    page.get_by_role("button", name="Run", exact=True).first.click()
    try:
        page.wait_for_function(f"() => ({SHOWN})().every(width => width > 0)", timeout=90_000)
    finally:
        shown = page.evaluate(SHOWN), page.evaluate("() => JSON.stringify(window.app.nodeOutputs)")
    assert dialogs(page) == [], shown
