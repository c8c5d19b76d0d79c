"""What the networks ask of a checkpoint: the shapes of its tensors, by name."""

from collections.abc import Mapping, Sequence

Shapes = Mapping[str, Sequence[int]]


class StateDictError(ValueError):
    """A checkpoint that does not fit, in one sentence."""


def shape_of(shapes: Shapes, name: str, dimensions: int) -> tuple[int, ...]:
    """Look up the shape of a tensor that a configuration is read from."""
    if name not in shapes:
        raise StateDictError(f"tensor {name} is missing")
    shape = tuple(shapes[name])
    if len(shape) != dimensions or min(shape) < 1:
        raise StateDictError(f"tensor {name} has shape {list(shape)}, where {dimensions} dimensions are expected")
    return shape
