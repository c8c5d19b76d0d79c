"""BASIC_PIPE: model, CLIP, VAE and both prompts in one wire, as the Impact Pack passes them around."""

from typing import Any, NamedTuple


class BasicPipe(NamedTuple):
    """What a BASIC_PIPE holds, in its order; on the wire it is a plain tuple."""

    model: Any
    clip: Any
    vae: Any
    positive: Any
    negative: Any


def unpack(value: Any, name: str) -> BasicPipe:
    """Returns the five parts; raises ValueError where ``value`` is no BASIC_PIPE."""
    if not isinstance(value, tuple | list) or len(value) != len(BasicPipe._fields):
        found = f"{len(value)} parts" if isinstance(value, tuple | list) else f"a {type(value).__name__}"
        raise ValueError(f"{name} is {found}; wanted a BASIC_PIPE: {', '.join(BasicPipe._fields)}")
    return BasicPipe(*value)


class ToBasicPipe:
    """`MattecoreToBasicPipe`: the Impact Pack's ToBasicPipe, for where it is not installed."""

    RETURN_TYPES = ("BASIC_PIPE",)
    RETURN_NAMES = ("basic_pipe",)
    FUNCTION = "pack"
    CATEGORY = "mattecore"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "model": ("MODEL",),
                "clip": ("CLIP",),
                "vae": ("VAE",),
                "positive": ("CONDITIONING",),
                "negative": ("CONDITIONING",),
            }
        }

    def pack(self, model: Any, clip: Any, vae: Any, positive: Any, negative: Any) -> tuple[Any, ...]:
        return ((model, clip, vae, positive, negative),)


class FromBasicPipe:
    """`MattecoreFromBasicPipe`: the way back."""

    RETURN_TYPES = ("MODEL", "CLIP", "VAE", "CONDITIONING", "CONDITIONING")
    RETURN_NAMES = BasicPipe._fields
    FUNCTION = "unpack"
    CATEGORY = "mattecore"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"basic_pipe": ("BASIC_PIPE",)}}

    def unpack(self, basic_pipe: Any) -> tuple[Any, ...]:
        return tuple(unpack(basic_pipe, "basic_pipe"))
