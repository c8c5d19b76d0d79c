"""What Python checks before the native module does: that an argument is a tensor at all."""

from torch import Tensor


def tensor(value: object, name: str) -> Tensor:
    """Returns ``value`` where it is a tensor; the native module looks at its shape, type and device."""
    if not isinstance(value, Tensor):
        raise TypeError(f"{name} is a {type(value).__name__}; wanted a torch.Tensor (torch.from_numpy makes one)")
    return value
