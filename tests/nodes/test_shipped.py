"""What goes with the nodes: translations, help pages, example workflows."""

import json
import re
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
LANGUAGES = ["en", "fr", "ja", "ko", "ru", "zh"]
EXAMPLES = ROOT / "example_workflows"
CUT_OUT = {"MattecoreRemBgUltra", "MattecoreRmBgUltraV2", "MattecoreBiRefNetUltra", "MattecoreImageRemBg"}
# What only a sentence of that language has: its script, or one of its commonest words.
OF_THE_LANGUAGE = {
    "en": r"\b(the|an?|of|to|at|and|as|is|where|without)\b",
    "fr": r"\b(les?|la|l'|une?|du|des?|en|et|aux?|ne|à|ce|tel|ou|pour)\b",
    "ja": r"[\u3041-\u30ff]",
    "ko": r"[\uac00-\ud7a3]",
    "ru": r"[\u0430-\u0451]{3}",
    "zh": r"^(?=.*[\u4e00-\u9fff])(?!.*[\u3041-\u30ff])",
}


def definitions(language):
    return json.loads((ROOT / "locales" / language / "nodeDefs.json").read_text(encoding="utf-8"))


def test_the_languages_are_those():
    assert sorted(path.name for path in (ROOT / "locales").iterdir()) == LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_node_input_and_output_has_a_name_and_a_tooltip(language, pack):
    translated = definitions(language)
    assert set(translated) == set(pack.NODE_CLASS_MAPPINGS)
    for node_id, words in translated.items():
        node = pack.NODE_CLASS_MAPPINGS[node_id]
        assert words["display_name"] == pack.NODE_DISPLAY_NAME_MAPPINGS[node_id]
        inputs = node.INPUT_TYPES()
        assert list(words["inputs"]) == [*inputs["required"], *inputs.get("optional", {})]
        assert list(words["outputs"]) == [str(i) for i in range(len(node.RETURN_TYPES))]
        for one in (*words["inputs"].values(), *words["outputs"].values()):
            assert set(one) == {"name", "tooltip"}
            assert all(text.strip() for text in one.values())
            # What vue-i18n, which the editor shows them with, would take for a placeholder, a link or a plural.
            assert not re.search(r"[{}@|]", one["name"] + one["tooltip"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_are_in_their_language(language):
    for words in definitions(language).values():
        tooltips = [one["tooltip"] for one in (*words["inputs"].values(), *words["outputs"].values())]
        for sentence in (words["description"], *tooltips):
            assert re.search(OF_THE_LANGUAGE[language], sentence.lower()), sentence


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_translations_are_translated(language):
    english, translated = definitions("en"), definitions(language)
    for node_id, words in english.items():
        for name, one in words["inputs"].items():
            assert translated[node_id]["inputs"][name]["tooltip"] != one["tooltip"]


def test_no_file_of_ours_has_a_name_that_windows_refuses():
    for folder in ("web", "locales", "example_workflows", "docs", "nodes"):
        for path in (ROOT / folder).rglob("*"):
            assert not re.search(r'[<>:"\\|?*]|[ .]$', path.name), path


def workflows():
    return sorted(EXAMPLES.glob("*.json"))


def graph_of(path):
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", workflows(), ids=lambda path: path.stem)
def test_a_workflow_has_a_thumbnail_and_our_own_ids(path, pack):
    with Image.open(path.with_suffix(".jpg")) as thumbnail:
        assert 200 <= min(thumbnail.size) <= max(thumbnail.size) <= 800
    graph = graph_of(path)
    types = [node["type"] for node in graph["nodes"]] if "nodes" in graph else [n["class_type"] for n in graph.values()]
    ours = [kind for kind in types if kind in pack.NODE_CLASS_MAPPINGS]
    assert ours
    assert all(kind.startswith("Mattecore") for kind in ours)  # there, whoever has the original ids


@pytest.mark.parametrize("path", workflows(), ids=lambda path: path.stem)
def test_a_workflow_s_widgets_hold_what_the_node_allows(path, pack):
    graph = graph_of(path)
    if "nodes" not in graph:
        return
    for node in graph["nodes"]:
        if node["type"] in pack.NODE_CLASS_MAPPINGS:
            required = pack.NODE_CLASS_MAPPINGS[node["type"]].INPUT_TYPES()["required"]
            widgets = [spec for spec in required.values() if isinstance(spec[0], (list, tuple)) or spec[0] != "IMAGE"]
            assert len(node["widgets_values"]) == len(widgets)
            for value, (kind, *options) in zip(node["widgets_values"], widgets, strict=True):
                if isinstance(kind, (list, tuple)):
                    assert value in kind
                elif kind in ("INT", "FLOAT"):
                    assert options[0]["min"] <= value <= options[0]["max"]


def test_there_is_a_workflow_for_everything(pack):
    kinds = {path.stem: graph_of(path) for path in workflows()}
    used = {node["type"] for graph in kinds.values() for node in graph.get("nodes", [])}
    assert used >= CUT_OUT
    assert any("nodes" not in graph for graph in kinds.values())  # one in the API's format
    methods = [
        {node["widgets_values"][0] for node in graph.get("nodes", []) if node["type"] == "MattecoreRmBgUltraV2"}
        for graph in kinds.values()
    ]
    assert max(map(len, methods)) >= 3
