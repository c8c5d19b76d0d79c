"""Options are looked at before any work is done, and what would change nothing is refused."""

import pytest

from mattecore.cutting import Options
from mattecore.cutting.options import EDGE_DEFAULTS, REFINES


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"refine": "gauss"}, "refine is 'gauss'; wanted none, guided, closed-form, vitmatte or vitmatte-base"),
        ({"precision": "int8"}, "precision is 'int8'; wanted auto, exact, bf16 or fp16"),
        ({"device": "gpu"}, "device is 'gpu'; wanted auto, cpu, cuda or cuda:NUMBER"),
        ({"detail_range": 0}, "detail_range is 0; wanted 1 to 256"),
        ({"black_point": -0.1}, "black_point is -0.1; wanted 0 to 0.99"),
        (
            {"black_point": 0.5, "white_point": 0.5},
            "black_point is 0.5 and white_point 0.5; wanted the black one below",
        ),
        ({"refine": "none", "detail_range": 3}, "detail_range does nothing with refine='none'; it is for guided, clos"),
        ({"detail_erode": 3}, "detail_erode does nothing with refine='guided'; it is for vitmatte, vitmatte-base"),
        ({"margin": 5}, "margin is 5 and does nothing without crop"),
        ({"margin": -1, "crop": True}, "margin is -1; wanted 0 to 65535"),
        ({"mask_only": True, "background": "white"}, "background is 'white', and a mask alone has none"),
        ({"background": "no-such-file.png"}, "background is 'no-such-file.png', and there is no such file"),
        ({"background": "#12"}, "background is '#12', and there is no such file; wanted transparent, blur, a colour"),
        ({"background": "nocolour"}, "background is 'nocolour', and there is no such file"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(options, sentence):
    with pytest.raises(ValueError, match="") as refusal:
        Options(**options)
    assert str(refusal.value).startswith(sentence)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("options", [{"detail_range": 2.5}, {"margin": True, "crop": True}, {"black_point": "0.1"}])
def test_values_of_another_type(options):
    with pytest.raises(TypeError, match=r"wanted a (whole )?number"):
        Options(**options)


@pytest.mark.parametrize("name", EDGE_DEFAULTS)
@pytest.mark.parametrize("refine", REFINES)
def test_an_option_of_the_edge_has_a_default_just_where_it_does_something(name, refine):
    if refine in EDGE_DEFAULTS[name]:
        options = Options(refine=refine)
        assert Options(refine=refine, **{name: options.edge(name)}).edge(name) == options.edge(name)
    else:
        with pytest.raises(ValueError, match=f"{name} does nothing with"):
            Options(refine=refine, **{name: 1})


@pytest.mark.parametrize(
    ("text", "colour"),
    [("#abc", (170, 187, 204)), ("#0a0B0c", (10, 11, 12)), ("white", (255, 255, 255)), ("Tomato", (255, 99, 71))],
)
def test_colours(text, colour):
    assert Options(background=text).backdrop() == colour


def test_a_picture_as_background(tmp_path):
    (tmp_path / "beach.jpg").touch()
    assert Options(background=str(tmp_path / "beach.jpg")).backdrop() == tmp_path / "beach.jpg"
