"""ComfyUI's progress bar, previews, interrupt and lack of memory around a cut-out."""

import sys

import pytest
import torch

from mattecore import _native

V2 = "MattecoreRmBgUltraV2"


@pytest.mark.parametrize(("settings", "stages"), [({}, 2), ({"process_detail": False}, 1)], ids=str)
def test_the_bar_has_a_step_for_each_picture_and_stage(run, comfyui, photo, settings, stages):
    run(V2, torch.cat([photo] * 3), **settings)
    (bar,) = comfyui.bars
    assert bar.total == 3 * stages
    assert [value for value, _, _ in bar.updates] == list(range(1, 3 * stages + 1))
    assert {total for _, total, _ in bar.updates} == {3 * stages}
    assert [preview is not None for _, _, preview in bar.updates] == ([False] * (stages - 1) + [True]) * 3


def test_the_preview_is_the_cut_out_on_a_checkerboard(run, comfyui, photo):
    large = photo.repeat_interleave(8, 1).repeat_interleave(8, 2)
    image, mask = run(V2, large, process_detail=False)
    kind, picture, limit = comfyui.bars[0].updates[-1][2]
    assert kind == "JPEG"
    assert max(picture.size) <= limit == 512
    step = -(-max(mask.shape[1:]) // 512)
    shown = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8).view(*picture.size[::-1], 3)
    inside = mask[0, ::step, ::step] == 1
    assert shown.shape[:2] == inside.shape
    assert torch.equal(shown[inside], (image[0, ::step, ::step, :3][inside] * 255).to(torch.uint8))
    grey = shown[mask[0, ::step, ::step] == 0]
    assert len(grey.unique()) == 2
    assert (grey[:, 0] == grey[:, 1]).all()


@pytest.mark.parametrize("at", [1, 2, 5])
def test_an_interrupt_comes_through_and_ends_the_work(run, comfyui, networks, photo, at):
    comfyui.interrupt_at = at
    with pytest.raises(BaseException) as raised:
        run(V2, torch.cat([photo] * 3))
    assert type(raised.value).__name__ == "InterruptProcessingException"
    assert len(networks["rmbg-1.4"].seen) < 3


def test_results_lie_where_comfyui_wants_them(run, comfyui, photo):
    comfyui.intermediate = torch.device("meta")
    image, mask = run(V2, photo)
    assert image.device.type == mask.device.type == "meta"


class Full:
    """A network without room, ``times`` times."""

    def __new__(cls, canned, times):
        class Made(type(canned("isnet"))):
            def forward(self, image, progress):
                if len(self.seen) < times:
                    self.seen.append(image)
                    raise torch.OutOfMemoryError("tried to allocate 3 GiB\nand more lines")
                return self.maps[:1, None]

        return Made("isnet")


def test_out_of_memory_unloads_everything_and_tries_once_more(run, comfyui, networks, canned, photo, caplog):
    unloaded = []
    comfyui.modules["comfy.model_management"].unload_all_models = lambda: unloaded.append(True)
    networks["rmbg-1.4"] = Full(canned, 1)
    image, _ = run(V2, photo, process_detail=False)
    assert image.shape == (1, 97, 141, 4)
    assert unloaded == [True]
    assert networks["asked"] == [("rmbg-1.4", "cpu", False)] * 2
    assert "out of memory (tried to allocate 3 GiB); once more" in caplog.text


def test_out_of_memory_twice_reaches_comfyui_as_torch_s_own(run, networks, canned, photo):
    networks["rmbg-1.4"] = Full(canned, 2)
    with pytest.raises(torch.OutOfMemoryError):
        run(V2, photo)
    assert len(networks["rmbg-1.4"].seen) == 2


def test_without_comfyui_a_node_is_a_plain_function(no_host, load_pack, canned, monkeypatch, photo):
    for name in ("comfy.model_management", "comfy.model_patcher", "comfy.utils", "comfy.cli_args", "server"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    pack = load_pack()
    monkeypatch.setattr(
        sys.modules[f"{pack.__name__}.nodes.networks"], "load", lambda names, device, fetch=False: canned("isnet")
    )
    image, _ = pack.NODE_CLASS_MAPPINGS["MattecoreRemBgUltra"]().rembg_ultra(photo, 8, 0.01, 0.99, False)
    assert image.shape == (1, 97, 141, 4)
    with pytest.raises(RuntimeError, match="there is no ComfyUI whose folders"):
        pack.NODE_CLASS_MAPPINGS["MattecoreImageRemBg"]().remove("RMBG-1.4", photo, "Save", "x")


def test_the_installed_module_is_the_one_that_works(networks, run, photo):
    assert isinstance(networks["rmbg-1.4"], _native.load().Network)
    assert run(V2, photo)[0].shape == (1, 97, 141, 4)
