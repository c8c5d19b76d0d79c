"""The table of known weights is whole and says nothing twice."""

import re

from mattecore.weights import manifest, search


def files():
    return [(entry, file) for entry in manifest() for file in entry.files]


def test_names_occur_once():
    names = [entry.name for entry in manifest()]
    assert len(set(names)) == len(names)


def test_every_place_holds_one_file_whatever_the_case():
    places = [place.casefold() for _, file in files() for place in file.places]
    assert len(set(places)) == len(places)


def test_every_place_is_a_relative_path_below_a_key():
    for _, file in files():
        assert all(re.fullmatch(r"[\w.-]+(/[\w.-]+)+", place) and ".." not in place for place in file.places)


def test_hashes_sizes_and_sources_have_their_form():
    for _, file in files():
        assert file.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", file.sha256)
        assert file.bytes is None or file.bytes > 1 << 20
        assert file.source is None or re.fullmatch(r"huggingface:[\w.-]+/[\w.-]+/[\w.-]+", file.source)
        assert file.file.endswith((".pth", ".bin", ".safetensors"))


def test_every_row_can_be_recognised():
    assert all(file.places or file.sha256 for _, file in files())


def test_families_and_numbers():
    for entry in manifest():
        assert entry.family in ("isnet", "birefnet", "birefnet-legacy", "vitmatte")
        assert len(entry.mean) == len(entry.std) == 3
        assert entry.size is None or all(side % entry.divisor == 0 for side in entry.size)


def test_licences_say_whether_commercial_use_is_free():
    by_name = {entry.name: entry.licence.commercial for entry in manifest()}
    assert all(sentence.endswith(".") for sentence in by_name.values())
    assert {name for name, sentence in by_name.items() if sentence.startswith("Not for")} == {"rmbg-1.4", "rmbg-2.0"}


def test_what_is_known_of_the_originals_files():
    known = {(entry.name, file.file): (file.bytes, file.sha256 and file.sha256[:8]) for entry, file in files()}
    assert known["rmbg-1.4", "model.pth"] == (176718373, "893c16c3")
    assert known["birefnet-ep480", "BiRefNet-ep480.pth"] == (848968257, "367a738b")
    assert known["vitmatte-small", "pytorch_model.bin"] == (None, "6ec6aed4")


def test_what_is_fetched_lands_where_a_search_of_the_same_folder_finds_it(tmp_path):
    for entry in manifest():
        file = entry.download
        if file is not None:
            path = tmp_path / entry.name / file.places[0]
            path.parent.mkdir(parents=True)
            path.touch()
            found = search(tmp_path / entry.name, environ={}, home=tmp_path / "home")
            assert (found.first(entry.name) or found).path == path


def test_every_entry_of_the_nodes_can_be_fetched_and_converted_files_are_found():
    fetched = {entry.name for entry in manifest() if entry.download}
    assert {"rmbg-1.4", "isnet-general-use", "rmbg-2.0", "birefnet-ep480", "vitmatte-small"} <= fetched
    places = {place for _, file in files() for place in file.places}
    for place in places:
        if place.endswith((".pth", ".bin")):
            assert place.replace("pytorch_model.bin", "model.bin").rpartition(".")[0] + ".safetensors" in places
