"""Networks as the runtime runs them: the originals' outputs, precisions, the cache, files, progress."""

import io
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from mattecore import _native
from mattecore.networks import canonical_names
from mattecore.networks.loading import PREPARATIONS, Preparation, load
from mattecore.networks.operators import coarse, fine, stretch
from mattecore.weights.reader import WeightsError

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")

core = _native.load()
NATIVE_BF16 = pytest.mark.skipif(not core.multiplies_bf16(), reason="this processor does not multiply bf16")
PRECISIONS = ["exact", pytest.param("auto", marks=NATIVE_BF16)]


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    core.drop_networks("")
    yield
    core.drop_networks("")
    core.set_network_budget(4 << 30)


@pytest.fixture(scope="module")
def file(golden: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("weights") / f"{golden.name}.safetensors"
    save_file(golden.weights, path)
    return path


@pytest.fixture(scope="module")
def rmbg(load: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("weights") / "rmbg.safetensors"
    save_file(load("rmbg").weights, path)
    return path


def probability(golden: Any, y: Tensor) -> Tensor:
    return y.sigmoid() if golden.network.family == "birefnet" else y


def test_exact_is_the_original(golden: Any, file: Path) -> None:
    network = load(file, precision="exact")
    assert network.preparation.family == golden.network.family
    assert network.preparation.divisor == golden.network.config.divisor
    torch.testing.assert_close(network.forward(golden.x, None), golden.y, rtol=0, atol=golden.tolerance)


@NATIVE_BF16
def test_auto_is_close_to_exact(golden: Any, file: Path) -> None:
    """The policy's limits: a mean of 1/255, and 4/255 on 99 % of the pixels."""
    found = probability(golden, load(file, precision="auto").forward(golden.x, None))
    levels = (found - probability(golden, golden.y)).abs().flatten() * 255
    assert levels.mean() <= 1
    assert levels.kthvalue(int(levels.numel() * 0.99)).values <= 4


@pytest.mark.parametrize("precision", PRECISIONS)
def test_same_bytes_for_any_batch_and_number_of_threads(golden: Any, file: Path, precision: str) -> None:
    network = load(file, precision=precision)
    other = golden.x.flip(3)
    alone = network.forward(golden.x, None)
    assert torch.equal(network.forward(torch.cat((other, golden.x)), None)[1:], alone)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        assert torch.equal(network.forward(golden.x, None), alone)
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (33, 47), (97, 64)])
def test_is_net_takes_any_size(load: Any, rmbg: Path, precision: str, size: tuple[int, int]) -> None:
    golden = load("rmbg")
    x = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(3)) - 0.5
    found = load_network(rmbg, precision).forward(x, None)
    tolerance = golden.tolerance if precision == "exact" else 4 / 255
    torch.testing.assert_close(found, golden.network.module(x), rtol=0, atol=tolerance)


def load_network(path: Path, precision: str = "exact") -> Any:
    return load(path, precision=precision)


def test_second_load_reads_nothing(rmbg: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load_network(rmbg)
    monkeypatch.setattr("mattecore.networks.loading.read", lambda path: pytest.fail(f"{path} was read again"))
    assert load_network(rmbg) is first


def test_precisions_and_preparations_are_networks_of_their_own(rmbg: Path) -> None:
    exact = load_network(rmbg)
    other = Preparation(mean=(0.1, 0.2, 0.3), std=(1.0, 1.0, 1.0), size=(512, 768))
    prepared = load(rmbg, precision="exact", preparation=other)
    assert prepared is not exact
    assert (prepared.preparation.height, prepared.preparation.width) == (512, 768)
    assert prepared.preparation.mean == [0.1, 0.2, 0.3]
    assert exact.preparation.mean == list(PREPARATIONS["isnet"].mean)


def test_a_file_that_was_replaced_is_read_again(rmbg: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(rmbg.read_bytes())
    first = load_network(path)
    path.unlink()
    path.write_bytes(rmbg.read_bytes())
    assert load_network(path) is not first


def test_several_threads_load_once(rmbg: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mattecore.networks import loading

    reads = []
    start = threading.Barrier(4)

    def counted(path: Path) -> dict[str, Tensor]:
        reads.append(path)
        return loading_read(path)

    def run(_: int) -> Any:
        start.wait(timeout=60)
        return load_network(rmbg)

    loading_read = loading.read
    monkeypatch.setattr(loading, "read", counted)
    with ThreadPoolExecutor(4) as pool:
        networks = list(pool.map(run, range(4)))
    assert len(reads) == 1
    assert all(network is networks[0] for network in networks)


def test_beyond_the_budget_the_one_used_longest_ago_goes(rmbg: Path, tmp_path: Path) -> None:
    copies = [tmp_path / f"{name}.safetensors" for name in "abc"]
    for copy in copies:
        copy.write_bytes(rmbg.read_bytes())
    size = load_network(copies[0]).weight_bytes
    load_network(copies[1])
    core.set_network_budget(int(2.5 * size))
    load_network(copies[0])
    load_network(copies[2])
    assert [Path(key.split(" ")[0]).stem for key, _ in core.loaded_networks()] == ["c", "a"]
    core.set_network_budget(1)
    assert len(core.loaded_networks()) == 1  # the newest stays
    assert core.drop_networks("") == 1
    assert core.loaded_networks() == []


def test_memory_is_kept_for_the_next_run_and_given_back(load: Any, rmbg: Path) -> None:
    network, x = load_network(rmbg), load("rmbg").x
    y = network.forward(x, None)
    kept = network.kept_bytes
    assert kept > 0
    assert torch.equal(network.forward(x, None), y)
    assert network.kept_bytes == kept
    core.release_network_memory()
    assert network.kept_bytes == 0


def test_progress_grows_and_cancels(load: Any, rmbg: Path) -> None:
    network, x = load_network(rmbg), load("rmbg").x
    y = network.forward(x, None)  # how many steps there are is known from the run before
    fractions: list[float] = []
    network.forward(x, fractions.append)
    assert fractions == sorted(fractions)
    assert fractions[0] == 0
    assert 0.9 < fractions[-1] <= 1
    assert len(fractions) > 100

    class InterruptError(Exception):
        pass

    def interrupt(fraction: float) -> None:
        if fraction > 0.5:
            raise InterruptError

    with pytest.raises(InterruptError):
        network.forward(x, interrupt)
    with pytest.raises(RuntimeError, match=r"^the network was cancelled$"):
        network.forward(x, lambda fraction: fraction < 0.3)
    assert torch.equal(network.forward(x, None), y)


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "_orig_mod.module."])
def test_prefixes_and_pickles(load: Any, tmp_path: Path, prefix: str) -> None:
    golden = load("rmbg")
    path = tmp_path / "model.pth"
    torch.save({"state_dict": {prefix + name: tensor for name, tensor in golden.weights.items()}}, path)
    found = load_network(path).forward(golden.x, None)
    torch.testing.assert_close(found, golden.y, rtol=0, atol=golden.tolerance)


def test_half_precision_files(load: Any, tmp_path: Path) -> None:
    golden = load("rmbg")
    weights = {k: v.half() if v.is_floating_point() else v for k, v in golden.weights.items()}
    path = tmp_path / "model.safetensors"
    save_file(weights, path)
    found = load_network(path).forward(golden.x, None)
    torch.testing.assert_close(found, golden.y, rtol=0, atol=4 / 255)  # the weights' eleven binary places


def test_wrong_files_are_refused_whole(load: Any, tmp_path: Path) -> None:
    golden = load("rmbg")
    path = tmp_path / "model.safetensors"
    with pytest.raises(WeightsError, match=r"model\.safetensors cannot be read: No such file"):
        load_network(path)
    save_file({"weight": torch.zeros(3)}, path)
    with pytest.raises(WeightsError, match=r"model\.safetensors: this checkpoint is of none of the networks"):
        load_network(path)
    weights = dict(golden.weights)
    weights["stage3.rebnconv2.conv_s1.weight"] = torch.zeros(1, 2, 3, 3)
    path.unlink()
    save_file(weights, path)
    with pytest.raises(WeightsError, match=r"tensor stage3.rebnconv2.conv_s1.weight has shape \[1, 2, 3, 3\], not"):
        load_network(path)
    path.unlink()
    path.write_bytes(b"<!doctype html><html>please log in</html>")
    with pytest.raises(WeightsError, match="a web page"):
        load_network(path)
    assert core.loaded_networks() == []


def test_archives_that_are_none(load: Any) -> None:
    for archive in (b"", b"no archive", b"PK\x03\x04" + bytes(100)):
        with pytest.raises(ValueError, match=r"^this is no TorchScript archive of one of our networks"):
            core.load_network(archive, {}, torch.device("cpu"), "exact")


def test_an_archive_of_shapes_needs_every_tensor(load: Any, shapes: dict[str, tuple[int, ...]]) -> None:
    from mattecore.networks import build
    from mattecore.networks.loading import archive

    golden = load("rmbg")
    names = canonical_names(golden.weights)
    weights = {names[name]: tensor for name, tensor in golden.weights.items()}
    shell = archive(build({name: tensor.shape for name, tensor in weights.items()}, device="meta"))
    del weights["stage6.rebnconv3.bn_s1.running_var"]
    with pytest.raises(ValueError, match=r"^tensor stage6\.rebnconv3\.bn_s1\.running_var \[256\] is missing$"):
        core.load_network(shell, weights, torch.device("cpu"), "exact")


def test_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu, cuda = torch.device("cpu"), torch.device("cuda")
    monkeypatch.delenv("MATTECORE_PRECISION", raising=False)
    assert core.precision("", cpu) == core.precision("auto", cuda) == "auto"
    assert core.precision("exact", cuda) == "exact"
    assert core.precision("fp16", cuda) == "fp16"
    monkeypatch.setenv("MATTECORE_PRECISION", "exact")
    assert core.precision("", cpu) == "exact"
    assert core.precision("bf16", cpu) == "bf16"
    monkeypatch.setenv("MATTECORE_PRECISION", "double")
    with pytest.raises(ValueError, match=r"^MATTECORE_PRECISION is double, not one of auto, exact, bf16, fp16$"):
        core.precision("", cpu)
    with pytest.raises(ValueError, match=r"^precision is fp16, and a CPU computes in bf16 or exact"):
        core.precision("fp16", cpu)


@NATIVE_BF16
def test_arithmetic(golden: Any, file: Path) -> None:
    needs_more = "split bf16" if core.has_matrix_unit() else "fp32"
    assert load(file, precision="exact").arithmetic == "fp32"
    assert load(file, precision="bf16").arithmetic == "bf16"
    assert load(file, precision="auto").arithmetic == (needs_more if golden.name == "lite" else "bf16")


def script_of(module: nn.Module) -> bytes:
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(module), buffer)
    return buffer.getvalue()


class Tiny(nn.Module):
    """What follows and goes before the products, in ways that lowering must tell apart."""

    def __init__(self) -> None:
        super().__init__()
        self.family, self.mean, self.std, self.size = "tiny", [0.0], [1.0], [0, 0]
        self.divisor, self.bf16_suffices = 1, True
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.pooled = nn.Conv2d(8, 8, 1)
        self.grouped = nn.Conv2d(8, 8, 3, padding=1, groups=2)
        self.uneven = nn.Conv2d(8, 8, (3, 1), padding=(1, 0), stride=1)
        self.tokens = nn.Linear(8, 8)
        self.last = nn.Conv2d(8, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.first(x))  # read twice: neither activation is its only one
        x = torch.relu(x) + torch.nn.functional.gelu(x)
        x = x + self.pooled(x.mean((2, 3), keepdim=True))  # a residual larger than what it is added to
        x = torch.relu(self.grouped(x)) + 2 * self.uneven(x)
        x = torch.add(x, self.tokens(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2), alpha=3)
        return torch.sigmoid(torch.relu(self.last(x)))  # two activations in a row


def test_lowering_keeps_what_does_not_fit() -> None:
    torch.manual_seed(0)
    with torch.inference_mode(mode=False):
        module = Tiny().eval()
        module.norm.running_mean.normal_()
        module.norm.running_var.uniform_(0.5, 2)
        script = script_of(module)
        network = core.load_network(script, {}, torch.device("cpu"), "exact")
        x = torch.randn(2, 3, 9, 11)
        torch.testing.assert_close(network.forward(x, None), module(x).detach(), rtol=1e-5, atol=1e-5)


class Twins(nn.Module):
    """Convolutions whose weights are equal and nothing else: frozen, they are one tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.family, self.mean, self.std, self.size = "twins", [0.0], [1.0], [0, 0]
        self.divisor, self.bf16_suffices = 1, True
        self.plain, self.wide = nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=4, dilation=4)
        self.small, self.shifted = nn.Conv2d(8, 8, 3, padding=1, stride=2), nn.Conv2d(8, 8, 3, padding=1, stride=2)
        self.sharp, self.soft = (
            nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8, eps=eps)) for eps in (1e-5, 1.0)
        )
        for convolution in (self.wide, self.small, self.shifted, self.sharp[0], self.soft[0]):
            convolution.load_state_dict(self.plain.state_dict())
        nn.init.constant_(self.shifted.bias, 3.0)

    def forward(self, x: Tensor) -> Tensor:
        x = self.sharp(self.plain(x) + self.wide(x)) + self.soft(x)
        return (self.small(x) + self.shifted(x))[:, :1]


def test_equal_weights_of_convolutions_that_differ() -> None:
    torch.manual_seed(0)
    with torch.inference_mode(mode=False):
        module = Twins().eval()
        script = script_of(module)
        x = torch.randn(1, 8, 20, 20)
        for precision, tolerance in (("exact", 1e-5), ("bf16", 0.1)):
            network = core.load_network(script, {}, torch.device("cpu"), precision)
            torch.testing.assert_close(network.forward(x, None), module(x).detach(), rtol=0, atol=tolerance)


def test_export_holds_everything(load: Any, rmbg: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from mattecore.cli import main

    golden = load("rmbg")
    output = tmp_path / "rmbg.ts"
    assert main(["weights", "export", str(rmbg), "--output", str(output)]) == 0
    assert capsys.readouterr().out == f"{output}\n"
    network = core.load_network(output.read_bytes(), {}, torch.device("cpu"), "exact")
    assert network.preparation.family == "isnet"
    torch.testing.assert_close(network.forward(golden.x, None), golden.y, rtol=0, atol=golden.tolerance)

    before = output.read_bytes()
    assert main(["weights", "export", str(rmbg), "--output", str(output)]) == 1
    assert "is there already; give another name, or --overwrite" in capsys.readouterr().err
    assert output.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rmbg.ts"]


class Careful(nn.Module):
    """Products of which the second and third stand between fine and coarse, where asked."""

    def __init__(self, marked: bool) -> None:
        super().__init__()
        self.family, self.mean, self.std, self.size = "careful", [0.0], [1.0], [0, 0]
        self.divisor, self.bf16_suffices, self.marked = 1, True, marked
        self.first, self.norm, self.second = nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.Conv2d(19, 16, 1)
        self.tokens, self.last = nn.Linear(16, 16), nn.Conv2d(16, 1, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        if self.marked:
            image = fine(image)
        half = stretch(image, image[:, :, ::2, ::2])
        x = torch.cat((self.norm(self.first(half)), half), 1)
        x = self.second(x) * x.mean((2, 3), keepdim=True)[:, :16] + half[:, :1]
        x = self.tokens(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        seen: Tensor = self.last(x)
        return coarse(coarse(seen) * 1.0) if self.marked else seen


@NATIVE_BF16
def test_what_is_marked_fine_is_computed_finely() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 3, 24, 40)
    apart = {}
    with torch.inference_mode(mode=False):
        weights = Careful(marked=False).state_dict()
        for marked in (False, True):
            module = Careful(marked).eval()
            module.load_state_dict(weights)
            script = script_of(module)
            run = {
                precision: core.load_network(script, {}, torch.device("cpu"), precision).forward(x, None)
                for precision in ("exact", "bf16")
            }
            torch.testing.assert_close(run["exact"], module(x).detach(), rtol=1e-5, atol=1e-5)
            apart[marked] = (run["bf16"] - run["exact"]).abs().mean().item()
            scale = run["exact"].abs().mean().item()
    # The result alone is rounded to bf16, by 2^-9 at most and a half of that on average.
    assert apart[True] < 2**-9 * scale
    assert apart[False] > 2 * apart[True]
