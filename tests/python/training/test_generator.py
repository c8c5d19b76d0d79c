"""The drawn pictures: their alpha, and that a number is always the same picture."""

from pathlib import Path

import numpy as np
import pytest
from generator import backgrounds, bank, scene, subjects

SEE_THROUGH = ("glass", "smoke")  # nowhere opaque


@pytest.fixture(scope="module")
def small() -> bank.Bank:
    return bank.drawn(4, 12, 6)


@pytest.mark.parametrize("name", subjects.NAMES)
def test_subjects_are_hard_inside_and_soft_at_the_edge(name: str) -> None:
    drawn = [subjects.draw(4, number, name) for number in range(2)]
    for subject in drawn:
        alpha, colour = subject.rgba[..., 3], subject.rgba[..., :3]
        assert subject.name == name
        assert min(alpha.shape) > 10
        assert (colour <= alpha[..., None].astype(int) + 1).all()  # multiplied by alpha, then rounded
        assert ((alpha > 0) & (alpha < 255)).any()
        assert (alpha.max() >= 250) or name in SEE_THROUGH
        assert alpha[(0, -1), :].any()
        assert alpha[:, (0, -1)].any()
    assert drawn[0].rgba.shape != drawn[1].rgba.shape or (drawn[0].rgba != drawn[1].rgba).any()


@pytest.mark.parametrize("number", range(0, 40, 5))
def test_a_number_is_always_the_same(number: int) -> None:
    first, again = subjects.draw(4, number), subjects.draw(4, number)
    assert first.name == again.name
    assert np.array_equal(first.rgba, again.rgba)
    assert np.array_equal(backgrounds.draw(4, number), backgrounds.draw(4, number))


def test_other_seeds_are_other_pictures() -> None:
    assert (backgrounds.draw(4, 0) != backgrounds.draw(5, 0)).any()


def test_every_kind_of_background_has_the_whole_picture() -> None:
    for maker in backgrounds.KINDS:
        picture = maker(np.random.default_rng(1))
        assert picture.shape == (backgrounds.SIDE, backgrounds.SIDE, 3)
        assert np.isfinite(picture).all()


def test_a_scene_does_not_depend_on_those_before(small: bank.Bank) -> None:
    in_turn = [scene.draw(small, 4, index, 96) for index in range(6)]
    image, alpha = scene.draw(small, 4, 5, 96)
    assert np.array_equal(image, in_turn[5][0])
    assert np.array_equal(alpha, in_turn[5][1])
    assert not np.array_equal(in_turn[4][0], image)


@pytest.mark.parametrize("side", [64, 97])
def test_scenes_have_a_subject_and_a_background(small: bank.Bank, side: int) -> None:
    shares = []
    for index in range(12):
        image, alpha = scene.draw(small, 4, index, side)
        assert image.shape == (side, side, 3)
        assert alpha.shape == (side, side)
        assert image.dtype == alpha.dtype == np.uint8
        shares.append((alpha > 127).mean())
    assert 0.05 < np.mean(shares) < 0.8
    assert min(shares) < max(shares)


VARIED = scene.Manner(close=1, aside=0.5, accompanied=1, marked=1)


@pytest.mark.parametrize("manner", [scene.USUAL, VARIED], ids=["usual", "varied"])
def test_alpha_says_how_much_of_the_subject_is_seen(
    small: bank.Bank, monkeypatch: pytest.MonkeyPatch, manner: scene.Manner
) -> None:
    """Without shadow, light and degradation, black and white behind differ by 1 - alpha."""
    monkeypatch.setattr(scene, "_shadowed", lambda rng, picture, over: picture)
    monkeypatch.setattr(scene, "_lit", lambda rng, picture: picture)
    monkeypatch.setattr(scene, "degraded", lambda rng, picture: picture)
    monkeypatch.setattr(scene, "_coloured", lambda rng, layer, picture: layer)
    for number in range(4):
        black, white = (
            scene.composed(np.random.default_rng(number), small, np.full((80, 80, 3), value, np.float32), manner)
            for value in (0, 1)
        )
        assert np.array_equal(black[1], white[1])
        np.testing.assert_allclose(1 - (white[0] - black[0])[..., 0], black[1] / 255, atol=0.51 / 255)


def subjects_share(drawn: bank.Bank, manner: scene.Manner) -> float:
    pictures = [scene.draw(drawn, 4, index, 64, manner)[1] for index in range(20)]
    return float(np.mean([(alpha > 127).mean() for alpha in pictures]))


def test_subjects_are_larger_with_what_belongs_to_them(small: bank.Bank) -> None:
    alone, accompanied = (scene.Manner(close=0, several=0, accompanied=often) for often in (0, 1))
    assert subjects_share(small, accompanied) > 1.1 * subjects_share(small, alone)


def test_subjects_aside_are_cut_by_a_side(small: bank.Bank) -> None:
    def cut(manner: scene.Manner) -> float:
        edges = [scene.draw(small, 4, index, 64, manner)[1][:, [0, -1]] for index in range(20)]
        return float(np.mean([(edge > 127).any() for edge in edges]))

    usual, aside = (scene.Manner(close=0, several=0, aside=often) for often in (0, 1))
    assert cut(aside) > cut(usual) + 0.3


def test_another_subject_behind_is_large_and_no_part_of_alpha(
    small: bank.Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone, before = (scene.Manner(close=0, several=0, before=often) for often in (0, 1))
    assert subjects_share(small, before) == pytest.approx(subjects_share(small, alone), rel=0.25)
    monkeypatch.setattr(scene, "composed", lambda rng, bank, picture, manner: (picture, picture))
    behind = [[scene.draw(small, 4, index, 64, manner)[0] for index in range(20)] for manner in (alone, before)]
    assert np.mean([(one != other).any(2).mean() for one, other in zip(*behind, strict=True)]) > 0.2


def test_a_bank_is_kept(small: bank.Bank, tmp_path: Path) -> None:
    bank.save(small, tmp_path / "bank.npz")
    kept = bank.load(tmp_path / "bank.npz")
    assert [subject.name for subject in kept.subjects] == [subject.name for subject in small.subjects]
    for one, other in zip(kept.subjects, small.subjects, strict=True):
        assert np.array_equal(one.rgba, other.rgba)
    assert np.array_equal(np.stack(kept.backgrounds), np.stack(small.backgrounds))
