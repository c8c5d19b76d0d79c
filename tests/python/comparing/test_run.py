"""Each method cuts as ``mattecore.cut`` does, and says what its parts took."""

import torch

import mattecore
from mattecore.comparing.methods import Method
from mattecore.comparing.run import Failure, Result, run
from mattecore.pictures import open_picture


def test_the_results_are_those_of_cut(red_weights, disc, tmp_path):
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"no weights")
    methods = [Method(str(file), refine) for file in (red_weights, broken) for refine in ("none", "guided")]
    first, second, third, fourth = run(methods, open_picture(disc()))
    for outcome, method in ((first, methods[0]), (second, methods[1])):
        assert isinstance(outcome, Result)
        assert outcome.method == method
        wanted = mattecore.cut(disc(), model=method.model, refine=method.refine)
        assert torch.equal(outcome.pixels, wanted.pixels)
        assert torch.equal(outcome.alpha, wanted.pixels[..., 3])
        assert outcome.seconds.total == sum(outcome.seconds)
        assert min(outcome.seconds.network, outcome.seconds.colours) > 0
        assert outcome.arithmetic
    assert (first.seconds.edge == 0, second.seconds.edge > 0) == (True, True)
    assert (first.loading > 0, second.loading == 0) == (True, True)  # the network is loaded once
    for outcome, method in ((third, methods[2]), (fourth, methods[3])):
        assert isinstance(outcome, Failure)
        assert outcome.method == method
        assert "broken.safetensors" in outcome.message


def test_16_bits_and_a_note(red_weights):
    grey = torch.full((20, 30, 1), 40000, dtype=torch.uint16)
    (outcome,) = run([Method(str(red_weights), "none")], open_picture(grey))
    assert isinstance(outcome, Result)
    assert outcome.pixels.dtype == torch.uint8
    assert outcome.note == "no subject was found"
