"""What all native functions promise alike: layouts, batches, threads, errors."""

import inspect
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from mattecore import _native, composite, detail, postprocess, preprocess, refine

IMAGE, GUIDE, PATCH = "image", "guide", "patch"  # the arguments' names, as messages have them
MASK, ALPHA, TRIMAP = "mask", "alpha", "trimap"
COLOURS = (IMAGE, GUIDE, PATCH)
FLOAT, BYTE = torch.float32, torch.uint8


@dataclass(frozen=True)
class Stage:
    """A function with its settings, and the kinds and types of the tensors it takes."""

    name: str
    run: Callable[..., torch.Tensor]
    inputs: tuple[tuple[str, torch.dtype], ...]

    def tensors(
        self, generator: torch.Generator, height: int = 23, width: int = 37, batch: int = 3
    ) -> list[torch.Tensor]:
        made = []
        for kind, dtype in self.inputs:
            shape = (batch, height, width, 3) if kind in COLOURS else (batch, height, width)
            random = torch.randint(0, 256, shape, dtype=BYTE, generator=generator)
            made.append(random if dtype == BYTE else random.to(dtype) / 250 - 0.01)
            if kind == TRIMAP:  # noise between two known sides, in any row; one pixel is foreground
                made[-1][:, :, : width // 3] = 1
                made[-1][:, :, width - width // 3 :] = 0
                made[-1][:, -1, 0] = made[-1][:, 0, -1] = 0
                made[-1][:, 0, 0] = 1
        return made


def numbered_segments(mask: torch.Tensor) -> torch.Tensor:
    """A picture of what find_segments finds: on each box's pixels the number of the last segment that covers them."""
    found = detail.find_segments(mask, 1.5, 1)
    numbers = torch.zeros(len(found), *mask.shape[-2:])
    for canvas, segments in zip(numbers, found, strict=True):
        for number, ((left, top, right, bottom), crop, column) in enumerate(segments, 1):
            canvas[top:bottom, left:right] = number + (sum(crop) + column) / 1000
    return numbers.view(mask.shape)


def first_segment_masks(mask: torch.Tensor) -> torch.Tensor:
    """The masks of the first segment of each mask, at their places in masks of zeros."""
    found = detail.find_segments(mask, 1.5, 0)
    drawn = torch.zeros(mask.shape)
    for i, segments in enumerate(found):
        single = mask if mask.dim() == 2 else mask[i]
        target = drawn if mask.dim() == 2 else drawn[i]
        for segment in segments[:1]:
            left, top, right, bottom = segment.crop_region
            target[top:bottom, left:right] = detail.segment_mask(single, segment, "soft")
    return drawn


STAGES = [
    Stage("to_u8", preprocess.to_u8, ((IMAGE, FLOAT),)),
    Stage("to_u8 of half", preprocess.to_u8, ((IMAGE, torch.float16),)),
    Stage("to_u8 of a mask", preprocess.to_u8, ((MASK, torch.float64),)),
    Stage("from_u8", preprocess.from_u8, ((IMAGE, BYTE),)),
    Stage("to_rgb", preprocess.to_rgb, ((IMAGE, BYTE),)),
    Stage("luma", preprocess.luma, ((IMAGE, BYTE),)),
    Stage("resize nearest", lambda x: preprocess.resize(x, 41, 19, "nearest"), ((IMAGE, BYTE),)),
    Stage("resize smaller", lambda x: preprocess.resize(x, 9, 19, "lanczos"), ((IMAGE, BYTE),)),
    Stage("resize larger", lambda x: preprocess.resize(x, 61, 75, "bilinear"), ((IMAGE, BYTE),)),
    Stage("interpolate", lambda x: preprocess.interpolate(x, 41, 19), ((IMAGE, FLOAT),)),
    Stage("interpolate bytes", lambda x: preprocess.interpolate(x, 41, 19), ((IMAGE, BYTE),)),
    Stage("interpolate a mask", lambda x: preprocess.interpolate(x, 41, 19, True), ((MASK, FLOAT),)),
    Stage("normalize_min_max", postprocess.normalize_min_max, ((MASK, FLOAT),)),
    Stage("histogram_remap", lambda x: postprocess.histogram_remap(x, 0.2, 0.7), ((MASK, FLOAT),)),
    Stage("brighten", lambda x: postprocess.brighten(x, 1.3), ((MASK, BYTE),)),
    Stage("image_to_mask", postprocess.image_to_mask, ((IMAGE, BYTE),)),
    Stage("assemble_rgba", composite.assemble_rgba, ((IMAGE, FLOAT), (MASK, FLOAT))),
    Stage("assemble_rgba of bytes", composite.assemble_rgba, ((IMAGE, BYTE), (MASK, BYTE))),
    Stage("paste_on_transparent", composite.paste_on_transparent, ((IMAGE, BYTE), (MASK, BYTE))),
    Stage("mask_to_image", composite.mask_to_image, ((MASK, FLOAT),)),
    Stage("lift", composite.lift, ((IMAGE, FLOAT), (MASK, FLOAT))),
    Stage("lift of bytes", composite.lift, ((IMAGE, BYTE), (MASK, FLOAT))),
    Stage("multilevel_foreground", composite.multilevel_foreground, ((IMAGE, FLOAT), (ALPHA, FLOAT))),
    Stage("blur_fusion_foreground", composite.blur_fusion_foreground, ((IMAGE, FLOAT), (ALPHA, FLOAT))),
    Stage("find_segments", numbered_segments, ((MASK, FLOAT),)),
    Stage("segment_mask", first_segment_masks, ((MASK, FLOAT),)),
    Stage("blur_mask", lambda x: detail.blur_mask(x, 5), ((MASK, FLOAT),)),
    Stage("blend", detail.blend, ((IMAGE, FLOAT), (PATCH, FLOAT), (MASK, FLOAT))),
    Stage("join_alpha", detail.join_alpha, ((IMAGE, FLOAT), (MASK, FLOAT))),
    Stage("gaussian_blur", lambda x: refine.gaussian_blur(x, 11), ((MASK, FLOAT),)),
    Stage("gaussian_blur of doubles", lambda x: refine.gaussian_blur(x, 5), ((MASK, torch.float64),)),
    Stage("trimap_from_mask", lambda x: refine.trimap_from_mask(x, 1, 2), ((MASK, FLOAT),)),
    Stage("trimap_from_mask of bytes", lambda x: refine.trimap_from_mask(x, 2, 1), ((MASK, BYTE),)),
    Stage("fix_trimap", lambda x: refine.fix_trimap(x, 0.2, 0.7), ((MASK, FLOAT),)),
    Stage("trimap_from_alpha", lambda x: refine.trimap_from_alpha(x, 0.2, 0.1, 1), ((ALPHA, FLOAT),)),
    Stage("guided_filter", lambda x, y: refine.guided_filter(x, y, 3, 0.01), ((GUIDE, FLOAT), (MASK, FLOAT))),
    Stage(
        "fast_guided_filter", lambda x, y: refine.fast_guided_filter(x, y, 6, 0.01, 3), ((GUIDE, FLOAT), (MASK, FLOAT))
    ),
    Stage("closed_form", lambda x, y: refine.closed_form(x, y).alpha, ((IMAGE, FLOAT), (TRIMAP, FLOAT))),
    Stage(
        "closed_form of doubles",
        lambda x, y: refine.closed_form(x, y).alpha,
        ((IMAGE, torch.float64), (TRIMAP, FLOAT)),
    ),
    Stage("grow", lambda x: refine.grow(x, 4), ((MASK, FLOAT),)),
    Stage("grow by a box", lambda x: refine.grow(x, 4, "box"), ((MASK, FLOAT),)),
    Stage("shrink", lambda x: refine.shrink(x, 4), ((MASK, FLOAT),)),
    Stage("shrink by a box", lambda x: refine.shrink(x, 4, "box"), ((MASK, FLOAT),)),
    Stage("feather", lambda x: refine.feather(x, 2.5), ((MASK, FLOAT),)),
    Stage("fill_holes", refine.fill_holes, ((MASK, FLOAT),)),
    Stage("keep_largest_component", refine.keep_largest_component, ((MASK, FLOAT),)),
]

every_stage = pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
every_float_stage = pytest.mark.parametrize(
    "stage", [s for s in STAGES if s.inputs[0][1].is_floating_point], ids=lambda stage: stage.name
)


def test_every_public_function_is_among_the_stages():
    public = {
        name
        for module in (preprocess, postprocess, composite, refine, detail)
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__
    }
    assert public == {stage.name.split()[0] for stage in STAGES}


# --- layouts

LAYOUTS = {
    "columns first": lambda t: t.transpose(1, 2).contiguous().transpose(1, 2),
    "batch innermost": lambda t: t.movedim(0, -1).contiguous().movedim(-1, 0),
    "planes": lambda t: t.movedim(-1, 1).contiguous().movedim(1, -1),
    "every second pixel": lambda t: spread(t, 1, 2)[:, ::2, 1::2],
    "every second picture": lambda t: t.repeat_interleave(2, 0)[::2],
    "a part of a larger picture": lambda t: torch.nn.functional.pad(t.movedim((1, 2), (-2, -1)), (3, 5, 2, 1)).movedim(
        (-2, -1), (1, 2)
    )[:, 2:-1, 3:-5],
}


def spread(t: torch.Tensor, *axes: int) -> torch.Tensor:
    """Every value twice along the axes."""
    for axis in axes:
        t = t.repeat_interleave(2, axis)
    return t


@every_stage
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_any_layout_gives_the_packed_ones_bytes(stage, layout, random):
    packed = stage.tensors(random)
    laid_out = [layout(t) for t in packed]
    assert any(not t.is_contiguous() for t in laid_out)
    assert all(torch.equal(a, b) for a, b in zip(packed, laid_out, strict=True))
    result = stage.run(*laid_out)
    assert result.is_contiguous()
    assert torch.equal(result, stage.run(*packed))


@every_stage
@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (0, 1, 2), (-1,)], ids=str)
def test_expanded_tensors_are_read_as_what_they_show(stage, axes, random):
    expanded = []
    for t in stage.tensors(random):
        first = t
        for axis in axes:
            first = first.narrow(axis, 0, 1)
        expanded.append(first.expand(t.shape))
    assert all(0 in t.stride() for t in expanded)
    assert torch.equal(stage.run(*expanded), stage.run(*[t.contiguous() for t in expanded]))


@every_float_stage
def test_lazily_negated_tensors_are_read_as_what_they_show(stage, random):
    if any(dtype == torch.float16 for _, dtype in stage.inputs):
        pytest.skip("torch has no arithmetic for complex halves")
    plain = stage.tensors(random)
    negated = [torch.complex(torch.zeros_like(t), -t).conj().imag for t in plain]
    assert all(t.is_neg() for t in negated)
    assert torch.equal(stage.run(*negated), stage.run(*plain))


@every_float_stage
def test_tensors_that_require_grad_are_taken_and_the_result_needs_none(stage, random):
    plain = stage.tensors(random)
    result = stage.run(*[t.clone().requires_grad_() for t in plain])
    assert not result.requires_grad
    assert torch.equal(result, stage.run(*plain))
    with torch.inference_mode():
        assert torch.equal(stage.run(*[t.clone() for t in plain]), result)


@every_stage
def test_inputs_are_left_alone_and_the_result_has_memory_of_its_own(stage, random):
    inputs = stage.tensors(random)
    before = [t.clone() for t in inputs]
    result = stage.run(*inputs)
    result.fill_(1)
    assert all(torch.equal(a, b) for a, b in zip(before, inputs, strict=True))


# --- batches and threads


@every_stage
def test_a_batch_is_its_pictures_one_by_one(stage, random):
    batch = stage.tensors(random, batch=4)
    singles = [stage.run(*[t[i : i + 1] for t in batch]) for i in range(4)]
    assert torch.equal(stage.run(*batch), torch.cat(singles))


@every_stage
def test_a_picture_without_a_batch_gives_one_without_a_batch(stage, random):
    batch = stage.tensors(random, batch=1)
    if stage.name in ("interpolate", "interpolate bytes"):
        pytest.skip("three axes are masks to interpolate")
    result = stage.run(*[t[0] for t in batch])
    assert torch.equal(result, stage.run(*batch)[0])


@every_stage
@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 37), (23, 1), (2, 3)])
def test_the_smallest_pictures_keep_their_axes(stage, height, width, random):
    inputs = stage.tensors(random, height, width)
    result = stage.run(*inputs)
    full = stage.run(*stage.tensors(random))
    assert result.dim() == full.dim()
    assert result.shape[0] == 3
    if full.shape[1:3] == (23, 37):
        assert result.shape[1:3] == (height, width)


@every_stage
def test_any_number_of_threads_gives_the_same_bytes(stage, random, set_threads):
    inputs = stage.tensors(random, 301, 403, 2)
    results = []
    for threads in (1, 2, 3):
        set_threads(threads)
        assert _native.load().num_threads() == threads
        results.append(stage.run(*inputs))
    assert torch.equal(results[0], results[1])
    assert torch.equal(results[0], results[2])


@every_stage
def test_calls_from_several_threads_at_once_give_the_same_bytes(stage, random):
    pictures = [stage.tensors(random, 90 + i, 131) for i in range(4)]
    wanted = [stage.run(*inputs) for inputs in pictures]
    barrier = threading.Barrier(4)

    def work(inputs: list[torch.Tensor]) -> list[torch.Tensor]:
        barrier.wait()
        return [stage.run(*inputs) for _ in range(5)]

    with ThreadPoolExecutor(4) as pool:
        for results, right in zip(pool.map(work, pictures), wanted, strict=True):
            assert all(torch.equal(result, right) for result in results)


@every_stage
def test_other_threads_run_meanwhile(stage, random):
    """Nobody can take the interpreter from us within the hour, so who else runs Python got it from the native call."""
    inputs = stage.tensors(random, 301, 403)
    gate, seen = threading.Lock(), threading.Event()
    gate.acquire()

    def wait_and_tell() -> None:
        gate.acquire()
        seen.set()

    other = threading.Thread(target=wait_and_tell, daemon=True)
    other.start()
    stage.run(*inputs)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(3600)
    try:
        gate.release()
        for _ in range(20_000):  # the other thread may have to wait for a busy core
            stage.run(*inputs)
            if seen.is_set():
                break
        told = seen.is_set()
    finally:
        sys.setswitchinterval(interval)
    other.join()
    assert told


# --- bad input


@every_stage
@pytest.mark.parametrize("thing", [None, 3.0, [[0.5]], "picture.png", np.zeros((1, 2, 2, 3), np.float32)], ids=repr)
def test_what_is_no_tensor_is_a_type_error_with_its_type(stage, thing):
    arguments = [torch.zeros(1, 2, 2, 3, dtype=stage.inputs[0][1])] * (len(stage.inputs) - 1) + [thing]
    with pytest.raises(TypeError, match=f"{stage.inputs[-1][0]}|image") as raised:
        stage.run(*arguments)
    assert type(thing).__name__ in str(raised.value)
    assert "wanted a torch.Tensor" in str(raised.value)


@every_stage
def test_a_tensor_without_memory_is_refused_with_its_device(stage, random):
    for place in range(len(stage.inputs)):
        inputs = stage.tensors(random)
        inputs[place] = inputs[place].to("meta")
        with pytest.raises(ValueError, match=r"is on meta"):
            stage.run(*inputs)


def bad_inputs(kind: str, dtype: torch.dtype) -> list[tuple[str, torch.Tensor, str, str]]:
    """(what is wrong, a tensor, how the message says what was found, how what was wanted)."""
    zeros = torch.zeros(2, 5, 7, 3, dtype=dtype) if kind in COLOURS else torch.zeros(2, 5, 7, dtype=dtype)
    good_rank = "wanted [batch, height, width"
    wrong_type = torch.zeros(zeros.shape, dtype=torch.int32)
    cases = [
        ("no axes", zeros.new_zeros(()), "[]", good_rank),
        ("one axis", zeros.new_zeros(7), "[7]", good_rank),
        ("five axes", zeros.new_zeros(1, 2, 5, 7, 3), "[1, 2, 5, 7, 3]", good_rank),
        ("a side of 0", zeros[:, :0], "0 pixels in [2, 0, 7", "wanted at least 1 x 1"),
        ("the other side 0", zeros[:, :, :0], "0 pixels in [2, 5, 0", "wanted at least 1 x 1"),
        ("an empty batch", zeros[:0], "empty batch [0, 5, 7", "wanted at least one picture"),
        ("integers", wrong_type, "is Int", "wanted "),
        ("booleans", torch.zeros(zeros.shape, dtype=torch.bool), "is Bool", "wanted "),
        ("complex numbers", torch.zeros(zeros.shape, dtype=torch.complex64), "Complex", "wanted a plain dense tensor"),
        ("a sparse tensor", zeros.to_sparse(), "Sparse", "wanted a plain dense tensor"),
        (
            "more values than 32 bits count",
            zeros.new_zeros(1).expand(1, 30000, 80000, *zeros.shape[3:]),
            "[1, 30000, 80000",
            "2^31 - 1 values",
        ),
    ]
    if kind in COLOURS:
        cases += [
            ("two channels", zeros[..., :2], "2 channels in [2, 5, 7, 2]", "wanted 1, 3 or 4"),
            ("no channels", zeros[..., :0], "0 channels in [2, 5, 7, 0]", "wanted 1, 3 or 4"),
            ("channels first", zeros.permute(0, 3, 1, 2), "7 channels in [2, 3, 5, 7]", "wanted 1, 3 or 4"),
        ]
    return cases


def every_bad_input() -> list:
    cases = []
    for stage in STAGES:
        for place, (kind, dtype) in enumerate(stage.inputs):
            for what, tensor, found, wanted in bad_inputs(kind, dtype):
                cases.append(pytest.param(stage, place, tensor, found, wanted, id=f"{stage.name}: {kind} {what}"))
    return cases


@pytest.mark.parametrize(("stage", "place", "tensor", "found", "wanted"), every_bad_input())
def test_bad_input_is_a_value_error_with_the_value_found_and_the_one_wanted(
    stage, place, tensor, found, wanted, random
):
    inputs = stage.tensors(random, 5, 7, 2)
    inputs[place] = tensor
    with pytest.raises(ValueError) as raised:
        stage.run(*inputs)
    message = str(raised.value)
    assert message.startswith((stage.inputs[place][0], IMAGE)), message
    assert found in message
    assert wanted in message
    assert "\n" not in message


TAKEN_BY_ALL = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
TYPES = {
    "to_u8": TAKEN_BY_ALL,
    "interpolate": (FLOAT, BYTE),
    "assemble_rgba": (*TAKEN_BY_ALL, BYTE),
    "normalize_min_max": (FLOAT,),
    "histogram_remap": (FLOAT,),
    "mask_to_image": (FLOAT,),
    "lift": (FLOAT,),
    "multilevel_foreground": (FLOAT,),
    "blur_fusion_foreground": (FLOAT,),
    "find_segments": (FLOAT,),
    "segment_mask": (FLOAT,),
    "blur_mask": (FLOAT,),
    "blend": (FLOAT,),
    "join_alpha": (FLOAT,),
    "gaussian_blur": (FLOAT, torch.float64),
    "trimap_from_mask": (FLOAT, BYTE),
    "fix_trimap": (FLOAT, torch.float64),
    "trimap_from_alpha": (FLOAT,),
    "guided_filter": (FLOAT,),
    "fast_guided_filter": (FLOAT,),
    "closed_form": (FLOAT,),  # float64 in the picture alone, as the stages have it
    "grow": (FLOAT,),
    "shrink": (FLOAT,),
    "feather": (FLOAT,),
    "fill_holes": (FLOAT,),
    "keep_largest_component": (FLOAT,),
}
NAMES = {
    torch.float32: "Float",
    torch.float64: "Double",
    torch.float16: "Half",
    torch.bfloat16: "BFloat16",
    BYTE: "Byte",
}


@every_stage
@pytest.mark.parametrize("dtype", NAMES, ids=str)
def test_a_type_is_either_taken_or_refused_by_name(stage, dtype, random):
    inputs = [t.to(dtype) for t in stage.tensors(random)]
    function = stage.name.split()[0]
    if dtype in TYPES.get(function, (BYTE,)):
        assert stage.run(*inputs).dtype in ((dtype,) if function == "gaussian_blur" else (BYTE, FLOAT))
    else:
        with pytest.raises(ValueError, match=rf"is {NAMES[dtype]}; wanted"):
            stage.run(*inputs)


@pytest.mark.parametrize("stage", [s for s in STAGES if len(s.inputs) == 2], ids=lambda stage: stage.name)
@pytest.mark.parametrize(
    ("mask_shape", "message"),
    [
        ((2, 5, 8), "MASK is 8 x 5 pixels and IMAGE 7 x 5; wanted the same size"),
        ((2, 4, 7), "MASK is 7 x 4 pixels and IMAGE 7 x 5; wanted the same size"),
        ((2, 7, 5), "MASK is 5 x 7 pixels and IMAGE 7 x 5; wanted the same size"),
        ((1, 5, 7), "IMAGE holds 2 pictures and MASK 1; wanted as many"),
        ((5, 7), "IMAGE holds 2 pictures and MASK 1; wanted as many"),
        ((2, 5, 7, 1), "MASK has the shape [2, 5, 7, 1]; wanted [batch, height, width]"),
    ],
)
def test_an_image_and_a_mask_must_fit(stage, mask_shape, message):
    (image_name, image_type), (mask_name, mask_type) = stage.inputs
    with pytest.raises(ValueError) as raised:
        stage.run(torch.zeros(2, 5, 7, 3, dtype=image_type), torch.zeros(mask_shape, dtype=mask_type))
    assert message.replace("IMAGE", image_name).replace("MASK", mask_name) in str(raised.value)


def every_place_of(value: float) -> list:
    """Each float input of the stages that refine: these look around a pixel, so one bad value would spoil others."""
    refining = [s for s in STAGES if hasattr(refine, s.name.split()[0]) or "foreground" in s.name]
    return [
        pytest.param(stage, place, value, id=f"{stage.name}: {kind}")
        for stage in refining
        for place, (kind, dtype) in enumerate(stage.inputs)
        if dtype.is_floating_point
    ]


@pytest.mark.parametrize(("stage", "place", "value"), every_place_of(torch.nan))
def test_not_a_number_is_refused_by_what_refines(stage, place, value, random):
    inputs = stage.tensors(random)
    inputs[place][1, 5, 11] = value
    with pytest.raises(ValueError, match=r"(?i)\bnan\b") as raised:
        stage.run(*inputs)
    assert "wanted" in str(raised.value)
    assert "\n" not in str(raised.value)


RESIZES = [
    pytest.param(lambda h, w: preprocess.resize(torch.zeros(1, 5, 7, 3, dtype=BYTE), h, w), id="resize"),
    pytest.param(lambda h, w: preprocess.interpolate(torch.zeros(1, 5, 7, 3), h, w), id="interpolate"),
]


@pytest.mark.parametrize("resize", RESIZES)
@pytest.mark.parametrize(
    ("height", "width", "message"),
    [
        (0, 5, "the new size is 5 x 0; wanted at least 1 x 1"),
        (5, 0, "the new size is 0 x 5; wanted at least 1 x 1"),
        (-3, 5, "the new size is 5 x -3; wanted at least 1 x 1"),
        (2**31 - 1, 1, "the new size is 1 x 2147483647 with 3 channels, more than 2^31 - 1 values"),
        (65536, 65536, "the new size is 65536 x 65536 with 3 channels, more than 2^31 - 1 values"),
        (2**62, 2**62, f"the new size is {2**62} x {2**62} with 3 channels, more than 2^31 - 1 values"),
    ],
)
def test_impossible_sizes_are_refused(resize, height, width, message):
    with pytest.raises(ValueError) as raised:
        resize(height, width)
    assert message in str(raised.value)


@pytest.mark.parametrize("resize", RESIZES)
@pytest.mark.parametrize("size", [2.5, None, "5", 2**70])
def test_a_size_that_is_no_64_bit_integer_is_a_type_error(resize, size):
    with pytest.raises(TypeError, match="height"):
        resize(size, 5)


@pytest.mark.parametrize("name", ["cubic", "BILINEAR", ""])
def test_an_unknown_filter_is_refused_with_those_known(name):
    with pytest.raises(
        ValueError, match=f"the filter is '{name}'; wanted nearest, box, bilinear, hamming, bicubic or l"
    ):
        preprocess.resize(torch.zeros(1, 5, 7, 3, dtype=BYTE), 3, 3, name)
