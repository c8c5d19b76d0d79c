"""The five nodes are what the seeds say, to the last key and its place."""

import inspect

import pytest

ULTRA = {
    "RETURN_TYPES": ("IMAGE", "MASK"),
    "RETURN_NAMES": ("image", "mask"),
    "CATEGORY": "\N{SMILING CAT FACE WITH OPEN MOUTH}dzNodes/LayerMask",
    "OUTPUT_NODE": None,
    "OUTPUT_IS_LIST": None,
}

EDGE_INPUTS = {
    "required": {
        "image": ("IMAGE",),
        "detail_method": (["VITMatte", "VITMatte(local)", "PyMatting", "GuidedFilter"],),
        "detail_erode": ("INT", {"default": 6, "min": 1, "max": 255, "step": 1}),
        "detail_dilate": ("INT", {"default": 6, "min": 1, "max": 255, "step": 1}),
        "black_point": ("FLOAT", {"default": 0.01, "min": 0.01, "max": 0.98, "step": 0.01, "display": "slider"}),
        "white_point": ("FLOAT", {"default": 0.99, "min": 0.02, "max": 0.99, "step": 0.01, "display": "slider"}),
        "process_detail": ("BOOLEAN", {"default": True}),
        "device": (["cuda", "cpu"],),
        "max_megapixels": ("FLOAT", {"default": 2.0, "min": 1, "max": 999, "step": 0.1}),
    },
    "optional": {},
}
EDGE_ARGUMENTS = [
    *("image", "detail_method", "detail_erode", "detail_dilate", "black_point", "white_point", "process_detail"),
    *("device", "max_megapixels"),
]

SEEDS = {
    "LayerMask: RemBgUltra": {
        **ULTRA,
        "FUNCTION": "rembg_ultra",
        "arguments": ["image", "detail_range", "black_point", "white_point", "process_detail"],
        "defaults": {},
        "inputs": {
            "required": {
                "image": ("IMAGE",),
                "detail_range": ("INT", {"default": 8, "min": 1, "max": 256, "step": 1}),
                "black_point": ("FLOAT", {"default": 0.01, "min": 0.01, "max": 0.98, "step": 0.01}),
                "white_point": ("FLOAT", {"default": 0.99, "min": 0.02, "max": 0.99, "step": 0.01}),
                "process_detail": ("BOOLEAN", {"default": True}),
            },
            "optional": {},
        },
    },
    "LayerMask: RmBgUltra V2": {
        **ULTRA,
        "FUNCTION": "rmbg_ultra_v2",
        "arguments": EDGE_ARGUMENTS,
        "defaults": {},
        "inputs": EDGE_INPUTS,
    },
    "LayerMask: BiRefNetUltra": {
        **ULTRA,
        "FUNCTION": "birefnet_ultra",
        "arguments": EDGE_ARGUMENTS,
        "defaults": {},
        "inputs": EDGE_INPUTS,
    },
    "easy imageRemBg": {
        "RETURN_TYPES": ("IMAGE", "MASK"),
        "RETURN_NAMES": ("image", "mask"),
        "CATEGORY": "EasyUse/Image",
        "OUTPUT_NODE": True,
        "OUTPUT_IS_LIST": None,
        "FUNCTION": "remove",
        "arguments": ["rem_mode", "images", "image_output", "save_prefix", "prompt", "extra_pnginfo"],
        "defaults": {"prompt": None, "extra_pnginfo": None},
        "inputs": {
            "required": {
                "images": ("IMAGE",),
                "rem_mode": (("RMBG-1.4",),),
                "image_output": (["Hide", "Preview", "Save", "Hide/Save"], {"default": "Preview"}),
                "save_prefix": ("STRING", {"default": "ComfyUI"}),
            },
            "hidden": {"prompt": "PROMPT", "extra_pnginfo": "EXTRA_PNGINFO"},
        },
    },
    "MaskDetailerPipe": {
        "RETURN_TYPES": ("IMAGE", "IMAGE", "IMAGE", "BASIC_PIPE", "BASIC_PIPE"),
        "RETURN_NAMES": ("image", "cropped_refined", "cropped_enhanced_alpha", "basic_pipe", "refiner_basic_pipe_opt"),
        "CATEGORY": "ImpactPack/Detailer",
        "OUTPUT_NODE": None,
        "OUTPUT_IS_LIST": (False, True, True, False, False),
        "FUNCTION": "doit",
        "arguments": [
            *("image", "mask", "basic_pipe", "guide_size", "guide_size_for", "max_size", "mask_mode", "seed", "steps"),
            *("cfg", "sampler_name", "scheduler", "denoise", "feather", "crop_factor", "drop_size", "refiner_ratio"),
            *("batch_size", "cycle", "refiner_basic_pipe_opt", "detailer_hook", "inpaint_model", "noise_mask_feather"),
        ],
        "defaults": {
            "cycle": 1,
            "refiner_basic_pipe_opt": None,
            "detailer_hook": None,
            "inpaint_model": False,
            "noise_mask_feather": 0,
        },
        "inputs": {
            "required": {
                "image": ("IMAGE",),
                "mask": ("MASK",),
                "basic_pipe": ("BASIC_PIPE",),
                "guide_size": ("FLOAT", {"default": 384, "min": 64, "max": 8192, "step": 8}),
                "guide_size_for": ("BOOLEAN", {"default": True, "label_on": "mask bbox", "label_off": "crop region"}),
                "max_size": ("FLOAT", {"default": 1024, "min": 64, "max": 8192, "step": 8}),
                "mask_mode": ("BOOLEAN", {"default": True, "label_on": "masked only", "label_off": "whole"}),
                "seed": ("INT", {"default": 0, "min": 0, "max": 0xFFFFFFFFFFFFFFFF}),
                "steps": ("INT", {"default": 20, "min": 1, "max": 10000}),
                "cfg": ("FLOAT", {"default": 8.0, "min": 0.0, "max": 100.0}),
                "sampler_name": (["euler", "ddim"],),
                "scheduler": (["normal", "karras", "AYS SDXL", "AYS SD1", "AYS SVD"],),
                "denoise": ("FLOAT", {"default": 0.5, "min": 0.0001, "max": 1.0, "step": 0.01}),
                "feather": ("INT", {"default": 5, "min": 0, "max": 100, "step": 1}),
                "crop_factor": ("FLOAT", {"default": 3.0, "min": 1.0, "max": 10, "step": 0.1}),
                "drop_size": ("INT", {"min": 1, "max": 8192, "step": 1, "default": 10}),
                "refiner_ratio": ("FLOAT", {"default": 0.2, "min": 0.0, "max": 1.0}),
                "batch_size": ("INT", {"default": 1, "min": 1, "max": 100}),
                "cycle": ("INT", {"default": 1, "min": 1, "max": 10, "step": 1}),
            },
            "optional": {
                "refiner_basic_pipe_opt": ("BASIC_PIPE",),
                "detailer_hook": ("DETAILER_HOOK",),
                "inpaint_model": ("BOOLEAN", {"default": False, "label_on": "enabled", "label_off": "disabled"}),
                "noise_mask_feather": ("INT", {"default": 20, "min": 0, "max": 100, "step": 1}),
            },
        },
    },
}


def in_order(value):
    """Turns dicts into lists of pairs, so that == sees the order, and tells 1 from 1.0 and True."""
    if isinstance(value, dict):
        return [(key, in_order(item)) for key, item in value.items()]
    if isinstance(value, (list, tuple)):
        return type(value)(in_order(item) for item in value)
    return (type(value), value)


@pytest.fixture
def pack(host, installed, load_pack):
    return load_pack()


@pytest.mark.parametrize("node_id", SEEDS)
def test_inputs_are_the_seeds(pack, node_id):
    inputs = pack.NODE_CLASS_MAPPINGS[node_id].INPUT_TYPES()
    assert in_order(inputs) == in_order(SEEDS[node_id]["inputs"])


@pytest.mark.parametrize("node_id", SEEDS)
@pytest.mark.parametrize(
    "attribute", ["RETURN_TYPES", "RETURN_NAMES", "FUNCTION", "CATEGORY", "OUTPUT_NODE", "OUTPUT_IS_LIST"]
)
def test_attributes_are_the_seeds(pack, node_id, attribute):
    assert getattr(pack.NODE_CLASS_MAPPINGS[node_id], attribute, None) == SEEDS[node_id][attribute]


@pytest.mark.parametrize("node_id", SEEDS)
def test_the_function_takes_the_seed_s_arguments_and_any_newer_ones(pack, node_id):
    node = pack.NODE_CLASS_MAPPINGS[node_id]
    _, *parameters, rest = inspect.signature(getattr(node, node.FUNCTION)).parameters.values()
    assert [parameter.name for parameter in parameters] == SEEDS[node_id]["arguments"]
    defaults = {p.name: p.default for p in parameters if p.default is not inspect.Parameter.empty}
    assert defaults == SEEDS[node_id]["defaults"]
    assert rest.kind is inspect.Parameter.VAR_KEYWORD


def test_without_comfyui_the_detailer_has_the_usual_limit_and_no_samplers(no_host, installed, load_pack):
    required = load_pack().NODE_CLASS_MAPPINGS["MaskDetailerPipe"].INPUT_TYPES()["required"]
    assert required["guide_size"][1]["max"] == 16384
    assert required["sampler_name"] == ([],)
    assert required["scheduler"] == (["AYS SDXL", "AYS SD1", "AYS SVD"],)


def test_inputs_are_made_anew_for_every_caller(pack):
    node = pack.NODE_CLASS_MAPPINGS["LayerMask: RmBgUltra V2"]
    node.INPUT_TYPES()["required"].clear()
    assert in_order(node.INPUT_TYPES()) == in_order(EDGE_INPUTS)
