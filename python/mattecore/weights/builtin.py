"""The weights that come with the package."""

from pathlib import Path


def builtin() -> Path:
    """Returns the file of the network box, the default for getting started: installed, or the checkout's."""
    installed = Path(__file__).with_name("box.safetensors")
    return installed if installed.is_file() else Path(__file__).parents[3] / "weights" / "box.safetensors"
