"""Words become methods whose weights are here; what is not here is named with the command that fetches it."""

import pytest

from mattecore.comparing.methods import Method, choose
from mattecore.cutting import models
from mattecore.weights import WeightsError

NO_VITMATTE = "the weights vitmatte-small are not here; fetch them with: mattecore weights download vitmatte-small"


pytestmark = pytest.mark.usefixtures("models_folder")


def names(words: str | None) -> list[str]:
    return [f"{method.model}+{method.refine}" for method in choose(words).methods]


def test_by_themselves_every_edge_of_the_strongest_network_and_every_network():
    assert names(None) == ["builtin+none", "builtin+guided", "builtin+closed-form"]
    assert choose(None).missing == [NO_VITMATTE]


def test_what_is_installed_takes_part(put):
    for name in ("isnet-general-use", "birefnet-lite", "vitmatte-small"):
        put(name)
    edges = [f"birefnet-lite+{refine}" for refine in ("none", "guided", "closed-form", "vitmatte")]
    assert names(None) == [*edges, "isnet-general-use+guided", "builtin+guided"]
    assert choose(None).missing == []
    assert models.here() == ["birefnet-lite", "isnet-general-use", "builtin"]


def test_words_are_networks_refinements_or_both(put):
    put("isnet-general-use")
    assert names("guided, none") == [
        *("isnet-general-use+guided", "builtin+guided"),
        *("isnet-general-use+none", "builtin+none"),
    ]
    assert names("builtin") == ["builtin+none", "builtin+guided", "builtin+closed-form"]
    assert names("builtin+closed-form,builtin+closed-form") == ["builtin+closed-form"]


def test_a_file_of_weights_is_a_network(tmp_path):
    path = tmp_path / "c++ weights.pth"
    path.touch()
    assert choose(f"{path}+none").methods == [Method(str(path), "none")]
    assert names(str(path)) == [f"{path}+none", f"{path}+guided", f"{path}+closed-form"]
    assert Method(str(path), "none").name == "c++ weights.pth + none"


def test_what_is_not_here_is_left_out_and_named_once():
    choice = choose("rmbg-1.4+none,rmbg-1.4+guided,builtin+vitmatte,builtin+none")
    assert choice.methods == [Method("builtin", "none")]
    wanted = "the weights rmbg-1.4 are not here; fetch them with: mattecore weights download rmbg-1.4"
    assert choice.missing == [wanted, NO_VITMATTE]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("gided", "there is no model 'gided'"),
        ("builtin+gided", r"there is no model 'builtin\+gided'"),
        ("builtin,,none", "there is no model ''"),
        ("rmbg-1.4+vitmatte", "mattecore weights download rmbg-1.4$"),
    ],
)
def test_words_that_leave_nothing_or_that_nobody_knows(words, sentence):
    with pytest.raises(WeightsError, match=sentence):
        choose(words)
