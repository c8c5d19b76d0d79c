"""Who has which node id: every branch of the decision, without ComfyUI."""

import itertools
from pathlib import Path
from types import SimpleNamespace

import pytest

from mattecore import node_ids

DETAILER = "MaskDetailerPipe"
V2 = "LayerMask: RmBgUltra V2"


def make_pack(custom_nodes: Path, name: str, files: dict[str, str] | None = None) -> Path:
    for file, content in {"__init__.py": "", **(files or {})}.items():
        path = custom_nodes / name / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return custom_nodes / name


def owners(custom_nodes: Path, registered: dict[str, object] | None = None, **options) -> dict[str, str]:
    return dict(node_ids.find_owners([custom_nodes], registered or {}, "ours", **options).by_id)


@pytest.mark.parametrize(
    ("value", "mode"), [(None, "defer"), ("", "defer"), ("defer", "defer"), (" Override ", "override"), ("off", "off")]
)
def test_mode(value, mode):
    assert node_ids.mode({} if value is None else {"MATTECORE_IDS": value}) == mode


def test_a_mode_that_does_not_exist_is_refused_with_the_words_that_do():
    with pytest.raises(ValueError, match=r"^MATTECORE_IDS is 'on', which is none of defer, override, off; "):
        node_ids.mode({"MATTECORE_IDS": "on"})


def test_nobody_else(tmp_path):
    assert owners(tmp_path) == {}
    assert owners(tmp_path / "not there") == {}


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("ComfyUI_LayerStyle", ["LayerMask: RemBgUltra", V2]),
        ("comfyui_layerstyle", ["LayerMask: RemBgUltra", V2]),
        ("ComfyUI_LayerStyle_Advance", ["LayerMask: BiRefNetUltra"]),
        ("ComfyUI-Easy-Use", ["easy imageRemBg"]),
        ("comfyui-easy-use-main", ["easy imageRemBg"]),
        ("ComfyUI-Impact-Pack", [DETAILER]),
        ("ComfyUI-Impact-Subpack", []),
    ],
)
def test_a_pack_is_known_by_its_folder(tmp_path, name, ids):
    make_pack(tmp_path, name)
    assert owners(tmp_path) == dict.fromkeys(ids, name)


def test_a_pack_is_known_by_its_project_name(tmp_path):
    toml = '[tool.other]\nname = "x"\n[project]\nname = "comfyui-impact-pack"\n'
    make_pack(tmp_path, "impact", {"pyproject.toml": toml})
    make_pack(tmp_path, "another", {"pyproject.toml": '[tool.x]\nname = "comfyui-easy-use"\n'})
    assert owners(tmp_path) == {DETAILER: "impact"}


@pytest.mark.parametrize(
    "source",
    [
        'NODE_CLASS_MAPPINGS = {"MaskDetailerPipe": MaskDetailerPipe}',
        "NODE_CLASS_MAPPINGS = {\n    'MaskDetailerPipe' : impact.MaskDetailerPipe,\n}",
        "NODE_CLASS_MAPPINGS['MaskDetailerPipe'] = MaskDetailerPipe",
    ],
)
def test_a_pack_is_known_by_what_it_maps(tmp_path, source):
    make_pack(tmp_path, "fork", {"modules/impact/pack.py": source})
    (tmp_path / "single.py").write_text('N = {"easy imageRemBg": imageRemBg}')
    assert owners(tmp_path) == {DETAILER: "fork", "easy imageRemBg": "single.py"}


@pytest.mark.parametrize(
    "source",
    [
        "cls = NODE_CLASS_MAPPINGS['MaskDetailerPipe']",
        "if NODE_CLASS_MAPPINGS['MaskDetailerPipe'] == cls: pass",
        'NODE_DISPLAY_NAME_MAPPINGS = {"MaskDetailerPipe": "MaskDetailer (pipe)"}',
        'KNOWN = ["MaskDetailerPipe"]',
    ],
)
def test_a_pack_that_only_names_an_id_does_not_own_it(tmp_path, source):
    make_pack(tmp_path, "friend", {"nodes.py": source})
    assert owners(tmp_path) == {}


def test_what_comfyui_does_not_load_owns_nothing(tmp_path):
    make_pack(tmp_path, "ComfyUI-Impact-Pack.disabled")
    make_pack(tmp_path / ".disabled", "ComfyUI-Easy-Use")
    (tmp_path / "ComfyUI_LayerStyle").mkdir()  # a clone that broke off
    (tmp_path / "notes.txt").write_text('{"MaskDetailerPipe": MaskDetailerPipe}')
    assert owners(tmp_path) == {}


def test_another_copy_of_mattecore_owns_nothing(tmp_path):
    files = {"python/mattecore/node_ids.py": "", "nodes.py": '{"MaskDetailerPipe": MaskDetailerPipe}'}
    make_pack(tmp_path, "mattecore-2", files)
    assert owners(tmp_path) == {}


def test_the_registry_goes_first_and_names_the_pack(tmp_path):
    make_pack(tmp_path, "ComfyUI-Impact-Pack")
    noted = type("Node", (), {"RELATIVE_PYTHON_MODULE": "custom_nodes.fork"})
    plain = type("Node", (), {"__module__": "somewhere"})
    assert owners(tmp_path, {DETAILER: noted, V2: plain}) == {DETAILER: "fork", V2: "somewhere"}


def test_our_own_classes_in_the_registry_do_not_count(tmp_path):
    registered = {DETAILER: SimpleNamespace(__module__="ours.nodes.x"), V2: SimpleNamespace(__module__="oursister.x")}
    assert owners(tmp_path, registered) == {V2: "oursister.x"}


def test_the_search_of_sources_ends_in_time_and_says_what_it_left(tmp_path):
    make_pack(tmp_path, "a fork", {"pack.py": '{"MaskDetailerPipe": MaskDetailerPipe}'})
    make_pack(tmp_path, "ComfyUI-Easy-Use")
    found = node_ids.find_owners([tmp_path], {}, "ours", clock=itertools.count(step=10.0).__next__)
    assert found.by_id == {"easy imageRemBg": "ComfyUI-Easy-Use"}
    assert found.unsearched == ("ComfyUI-Easy-Use", "a fork")
    assert "no time was left to look into ComfyUI-Easy-Use, a fork" in node_ids.assign("defer", found).sentence()


def test_the_search_of_sources_is_bounded_in_size(tmp_path):
    padding = "#" * (1 << 20)
    make_pack(tmp_path, "fork", {"pack.py": f'{padding}\n{{"MaskDetailerPipe": MaskDetailerPipe}}'})
    make_pack(tmp_path, "wide", {f"m{number:03}.py": "" for number in range(600)})
    (tmp_path / "wide" / "m599.py").write_text('{"easy imageRemBg": imageRemBg}')
    assert owners(tmp_path) == {}


def test_a_file_that_cannot_be_read_is_passed_over(tmp_path):
    make_pack(tmp_path, "fork", {"pack.py": '{"MaskDetailerPipe": MaskDetailerPipe}'})
    (tmp_path / "fork" / "dangling.py").symlink_to(tmp_path / "nowhere")
    assert owners(tmp_path) == {DETAILER: "fork"}


OTHER = node_ids.Owners({DETAILER: "ComfyUI-Impact-Pack", V2: "ComfyUI_LayerStyle"})


def test_defer_takes_the_free_ids():
    assignment = node_ids.assign("defer", OTHER)
    assert set(assignment.taken) == set(node_ids.OWN_IDS) - {DETAILER, V2}
    assert assignment.has[DETAILER] == "ComfyUI-Impact-Pack"
    assert assignment.sentence() == (
        "original node ids: LayerMask: RemBgUltra, LayerMask: BiRefNetUltra, easy imageRemBg: mattecore; "
        "LayerMask: RmBgUltra V2: ComfyUI_LayerStyle; MaskDetailerPipe: ComfyUI-Impact-Pack; "
        "mattecore's own five are always there (MATTECORE_IDS=defer)"
    )


def test_override_takes_all():
    assignment = node_ids.assign("override", OTHER)
    assert assignment.taken == tuple(node_ids.OWN_IDS)
    assert set(assignment.has.values()) == {"mattecore"}
    assert "all 5 original node ids are mattecore's" in assignment.sentence()


def test_off_takes_none():
    assignment = node_ids.assign("off", OTHER)
    assert assignment.taken == ()
    assert assignment.has["easy imageRemBg"] is None
    assert "easy imageRemBg: nobody" in assignment.sentence()
