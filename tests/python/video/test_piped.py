"""Iterators on threads of their own: order, errors, bounds, and no thread left behind."""

import threading
from collections.abc import Iterator

import pytest

from mattecore.video.piped import piped


def test_items_come_in_their_order():
    with piped(iter(range(1000)), 3) as items:
        assert list(items) == list(range(1000))


def test_at_most_so_many_are_made_ahead():
    made: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    with piped(numbers(), 3) as items:
        for number in items:
            assert len(made) <= number + 1 + 3 + 1  # taken, waiting, and one in hand


def test_what_is_raised_is_raised_where_the_items_are_taken():
    def broken() -> Iterator[int]:
        yield 1
        raise KeyError("broken")

    with piped(broken(), 3) as items:
        assert next(items) == 1
        with pytest.raises(KeyError, match="broken"):
            next(items)


@pytest.mark.parametrize("taken", [0, 1, 5])
def test_leaving_early_ends_the_thread(taken):
    before = threading.active_count()

    def endless() -> Iterator[int]:
        while True:
            yield 1

    with pytest.raises(ZeroDivisionError), piped(endless(), 3) as items:  # noqa: PT012
        for _ in range(taken):
            next(items)
        raise ZeroDivisionError
    assert threading.active_count() == before


def test_pipes_one_behind_the_other_end_together():
    before = threading.active_count()

    def endless() -> Iterator[int]:
        while True:
            yield 1

    with piped(endless(), 2) as first, piped((2 * item for item in first), 2) as second:
        assert next(second) == 2
    assert threading.active_count() == before
