"""The schedules MaskDetailerPipe offers or takes beside ComfyUI's own."""

from typing import Any

from . import host

# NVIDIA's "Align Your Steps", in the original's list since its beginning.
AYS = ["AYS SDXL", "AYS SD1", "AYS SVD"]
# Those of later versions, which workflows may name.
LTXV = "LTXV[default]"
_GITS_START, _GITS_END = "GITS[coeff=", "]"


def gits_coefficient(name: Any) -> float | None:
    """Returns the coefficient in ``GITS[coeff=1.2]``, None where it is another schedule."""
    text = str(name)
    if not (text.startswith(_GITS_START) and text.endswith(_GITS_END)):
        return None
    try:
        return float(text[len(_GITS_START) : -len(_GITS_END)])
    except ValueError:
        return None


def refusal(name: Any) -> str | None:
    """Returns what is wrong with a schedule's name, None where it can be used."""
    if name in host.scheduler_names() or name in AYS or name == LTXV or gits_coefficient(name) is not None:
        return None
    if str(name).startswith("OSS"):
        return f"the scheduler {name!r} searches its steps with the model, which mattecore does not do; choose another"
    known = ", ".join([*host.scheduler_names(), *AYS, f"{_GITS_START}1.2{_GITS_END}", LTXV])
    return f"the scheduler {name!r} is not known here; choose one of {known}"
