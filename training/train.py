"""Train the network box on drawn scenes, from a seed to a file of weights.

    python training/train.py RUN            # goes on from RUN/checkpoint.pt where there is one

RUN gets bank.npz, checkpoint.pt (whole or not at all), log.jsonl and, at the end, box.safetensors. Scene number i is
the same whoever draws it when, so a run that was stopped and goes on sees what it would have seen.
"""

import argparse
import json
import math
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import torch
from generator import bank, scene
from safetensors.torch import save_file
from torch import Tensor, distributed, multiprocessing, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from mattecore.atomic import replacing
from mattecore.machine import cores
from mattecore.networks.box import Box, BoxConfig
from mattecore.networks.loading import PREPARATIONS

CLOSE = scene.Manner(close=0.3)
CROWDED = scene.Manner(close=0.3, crowded=0.4)
MIXED = scene.Manner(close=0.35, crowded=0.25, several=0.1, accompanied=0.3, marked=0.35)
VARIED = scene.Manner(close=0.4, aside=0.2, crowded=0.25, several=0.07, accompanied=0.4, marked=0.5)
BEFORE_OTHERS = scene.Manner(close=0.35, crowded=0.6, several=0.1, accompanied=0.15, marked=0.4)
IN_FRONT = scene.Manner(close=0.25, aside=0.03, crowded=0.4, before=0.45, several=0.12, accompanied=0.08, marked=0.35)
ALL = scene.Manner(close=0.3, aside=0.05, crowded=0.4, before=0.4, several=0.1, accompanied=0.25, marked=0.4)


@dataclass(frozen=True)
class Stage:
    until: int  # the step at which it ends
    side: int
    batch: int = 16
    manner: scene.Manner = CLOSE
    overlap: float = 0.5  # weight of the overlap that is missing, beside the pixels' own errors


@dataclass(frozen=True)
class Cycle:
    """The rate warms up from step begin on; between fall and end it goes to nothing along a cosine."""

    begin: int
    fall: int
    end: int
    rate: float

    def at(self, step: int, warmup: int) -> float:
        left = min(1.0, (self.end - step) / (self.end - self.fall))
        return self.rate * min(1.0, (step - self.begin + 1) / warmup) * 0.5 * (1 - math.cos(math.pi * left))


@dataclass(frozen=True)
class Plan:
    stages: tuple[Stage, ...] = (
        Stage(until=2400, side=128, batch=32),
        Stage(until=3200, side=160, manner=CROWDED),
        Stage(until=4800, side=192, manner=CROWDED),
        Stage(until=7000, side=160, manner=MIXED, overlap=1.5),
        Stage(until=8800, side=192, manner=VARIED, overlap=1.5),
        Stage(until=9800, side=192, manner=BEFORE_OTHERS),
        Stage(until=11000, side=160, manner=IN_FRONT),
        Stage(until=12800, side=192, manner=IN_FRONT),
        Stage(until=13600, side=160, manner=ALL, overlap=1.0),
        Stage(until=14800, side=192, manner=ALL, overlap=1.0),
        Stage(until=18000, side=160, manner=ALL, overlap=1.0),
        Stage(until=23000, side=192, manner=ALL, overlap=1.0),
        Stage(until=24800, side=192, manner=IN_FRONT),
        Stage(until=26600, side=192, manner=VARIED, overlap=1.0),
    )
    cycles: tuple[Cycle, ...] = (
        Cycle(0, 2400, 4800, rate=2e-3),
        Cycle(4800, 4800, 8800, rate=1.5e-3),
        Cycle(8800, 8800, 9800, rate=5e-4),
        Cycle(9800, 9800, 12800, rate=1e-3),
        Cycle(12800, 12800, 14800, rate=1e-3),
        Cycle(14800, 14800, 23000, rate=1.5e-3),
        Cycle(23000, 23000, 24800, rate=7e-4),
        Cycle(24800, 24800, 26600, rate=7e-4),
    )
    seed: int = 8
    width: int = 32
    warmup: int = 200
    averaging: float = 0.998
    blend: tuple[int, ...] = (0, 5, 6, 6, 7, 7)  # the cycles whose ends' mean is exported; the last two count twice
    sharpness: float = 2.5  # of their mean: averaging weights has flattened its alpha
    subjects: int = 6000
    backgrounds: int = 1600
    held_out: int = 40  # scenes to validate on, the hardest, so that the log's figures compare from first to last
    pause: int = 200  # steps between validations, each with a checkpoint

    @property
    def steps(self) -> int:
        return self.stages[-1].until

    def stage_at(self, step: int) -> Stage:
        return next(stage for stage in self.stages if step < stage.until)


class Scenes(Dataset[tuple[Tensor, Tensor]]):
    def __init__(self, drawn: bank.Bank, seed: int, side: int, manner: scene.Manner) -> None:
        self.drawn, self.seed, self.side, self.manner = drawn, seed, side, manner

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        image, alpha = scene.draw(self.drawn, self.seed, index, self.side, self.manner)
        return torch.from_numpy(image).permute(2, 0, 1), torch.from_numpy(alpha)[None]


class Supervised(nn.Module):
    """The network, and beside it a coarse alpha from its middle that has to be right too."""

    def __init__(self, box: Box, width: int) -> None:
        super().__init__()
        self.box = box
        self.coarse = nn.Conv2d(3 * width, 1, 1)
        self.middle = torch.empty(0)
        box.up16_more.register_forward_hook(self._keep)

    def _keep(self, module: nn.Module, inputs: Any, output: Tensor) -> None:
        self.middle = output

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        return self.box.logit(image), self.coarse(self.middle)


def normalised(image: Tensor) -> Tensor:
    """Prepare pictures [B,3,H,W] uint8 as the network's users do."""
    prepared = PREPARATIONS["box"]
    mean, std = (
        image.new_tensor(colour, dtype=torch.float32).view(1, 3, 1, 1) for colour in (prepared.mean, prepared.std)
    )
    return ((image.float() / 255 - mean) / std).contiguous(memory_format=torch.channels_last)


def loss_of(logit: Tensor, coarse: Tensor, alpha: Tensor, weight: float) -> Tensor:
    """Cross entropy, absolute error and the overlap that is missing; cross entropy alone for the coarse alpha."""
    logit, found = logit.float(), logit.float().sigmoid()
    overlap = (found * alpha).sum((1, 2, 3)) / (found + alpha - found * alpha).sum((1, 2, 3)).clamp(min=1)
    small = functional.interpolate(alpha, coarse.shape[-2:], mode="area")
    return (
        functional.binary_cross_entropy_with_logits(logit, alpha)
        + (found - alpha).abs().mean()
        + weight * (1 - overlap.mean())
        + 0.3 * functional.binary_cross_entropy_with_logits(coarse.float(), small)
    )


def rate_at(step: int, plan: Plan) -> float:
    cycle = next((cycle for cycle in plan.cycles if step < cycle.end), plan.cycles[-1])
    return cycle.at(step, plan.warmup)


class Training:
    """What a checkpoint holds: the network, its average, also at cycles' ends, the optimiser, how far they are."""

    def __init__(self, plan: Plan, device: torch.device) -> None:
        torch.manual_seed(plan.seed)
        self.plan, self.device, self.step = plan, device, 0
        self.model = Supervised(Box(BoxConfig(plan.width)), plan.width).to(device, memory_format=torch.channels_last)
        self.average = {name: value.detach().clone() for name, value in self.model.box.state_dict().items()}
        self.ends: list[dict[str, Tensor]] = []
        self.optimiser = torch.optim.AdamW(self.model.parameters(), betas=(0.9, 0.99), weight_decay=0.02, fused=True)
        self.bf16 = device.type == "cuda" or bool(torch.cpu.get_capabilities().get("avx512_bf16"))

    def take_step(self, image: Tensor, alpha: Tensor) -> float:
        self.model.train()
        for group in self.optimiser.param_groups:
            group["lr"] = rate_at(self.step, self.plan)
        image, alpha = normalised(image.to(self.device)), alpha.to(self.device).float() / 255
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            logit, coarse = self.model(image.bfloat16() if self.bf16 else image)
        loss = loss_of(logit, coarse, alpha, self.plan.stage_at(self.step).overlap)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self._share_gradients()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        self.step += 1
        kept = min(self.plan.averaging, self.step / (self.step + 10))
        for name, value in self.model.box.state_dict().items():
            if value.is_floating_point():
                self.average[name].lerp_(value, 1 - kept)
        if any(self.step == cycle.end for cycle in self.plan.cycles):
            self.ends.append({name: value.clone() for name, value in self.average.items()})
        return loss.item()

    def _share_gradients(self) -> None:
        """Average them over the processes, so that all take the same step."""
        if distributed.is_initialized():
            gradients = [parameter.grad for parameter in self.model.parameters() if parameter.grad is not None]
            flat = torch.cat([gradient.flatten() for gradient in gradients]) / distributed.get_world_size()
            distributed.all_reduce(flat)
            for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
                gradient.copy_(part.view_as(gradient))

    def averaged(self) -> Box:
        box = Box(BoxConfig(self.plan.width)).to(self.device)
        box.load_state_dict(self.average)
        return box.eval()

    def blended(self) -> dict[str, Tensor]:
        """The mean of the weights at some cycles' ends: nearly as good as the best of them on each kind of picture.

        Izmailov et al., Averaging Weights Leads to Wider Optima and Better Generalization, 2018.
        """
        ends = [self.ends[cycle] for cycle in self.plan.blend]
        mean = {
            name: torch.stack([end[name].float() for end in ends]).mean(0).to(value.dtype)
            for name, value in ends[0].items()
        }
        for name in ("alpha.weight", "alpha.bias"):
            mean[name] *= self.plan.sharpness
        return mean

    def save(self, file: Path) -> None:
        held = {
            "step": self.step,
            "model": self.model.state_dict(),
            "average": self.average,
            "ends": self.ends,
            "optimiser": self.optimiser.state_dict(),
        }
        with replacing(file) as written:
            torch.save(held, written.name)

    def load(self, file: Path) -> None:
        held = torch.load(file, map_location=self.device, weights_only=True)
        self.step, self.average, self.ends = held["step"], held["average"], held["ends"]
        self.model.load_state_dict(held["model"])
        self.optimiser.load_state_dict(held["optimiser"])


def batches(
    plan: Plan, drawn: bank.Bank, start: int, rank: int, ranks: int, drawing: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Give this process's share of each step's batch from a step on; a step's scenes follow from its number alone.

    So many processes draw them for this one.
    """
    begin, first = 0, 0
    for stage in plan.stages:
        skipped = min(max(start - begin, 0), stage.until - begin)
        last = first + (stage.until - begin) * stage.batch
        numbers = range(first + skipped * stage.batch, last)[rank::ranks]
        scenes = Scenes(drawn, plan.seed, stage.side, stage.manner)
        if numbers:
            yield from DataLoader(scenes, stage.batch // ranks, sampler=numbers, num_workers=drawing, prefetch_factor=4)
        begin, first = stage.until, last


@torch.inference_mode()
def validate(box: Box, scenes: Scenes, count: int) -> dict[str, float]:
    """Mean IoU at alpha 0.5 and mean absolute error of alpha over the first scenes; the colours have no say here."""
    iou, error = 0.0, 0.0
    device = next(box.parameters()).device
    for number in range(count):
        image, alpha = scenes[number]
        found, true = box.logit(normalised(image[None].to(device)))[0].sigmoid().cpu(), alpha.float() / 255
        both, either = ((found > 0.5) & (true > 0.5)).sum(), ((found > 0.5) | (true > 0.5)).sum()
        iou += float(both / either.clamp(min=1)) / count
        error += float((found - true).abs().mean()) / count
    return {"iou": round(iou, 4), "error": round(error, 4)}


def export(average: dict[str, Tensor], file: Path) -> None:
    """Kernels in half precision, what normalises in full."""
    tensors = {
        name: (value.half() if value.dim() == 4 else value.float()).cpu().contiguous()
        for name, value in average.items()
        if not name.endswith("num_batches_tracked")
    }
    with replacing(file) as written:
        save_file(tensors, written.name, {"licence": "Apache-2.0", "made by": "training/train.py"})


def train(rank: int, run: Path, plan: Plan, device: torch.device, ranks: int, meeting: str, drawn: bank.Bank) -> None:
    """What each of the processes does; the first also keeps the log and the checkpoints."""
    if ranks > 1:
        torch.set_num_threads(1)
        distributed.init_process_group("gloo", f"file://{meeting}", rank=rank, world_size=ranks)
    held_out = None
    if rank == 0:
        seed, side = plan.seed + 1, plan.stages[-1].side
        held_out = Scenes(bank.drawn(seed, 100, 50), seed, side, IN_FRONT)
    training = Training(plan, device)
    if (run / "checkpoint.pt").exists():
        training.load(run / "checkpoint.pt")
    # On a processor learning takes most of the time; a GPU waits for the scenes.
    drawing = 1 if device.type == "cpu" else max(1, cores() - 1)
    begin, losses = time.monotonic(), []
    for image, alpha in batches(plan, drawn, training.step, rank, ranks, drawing):
        losses.append(training.take_step(image, alpha))
        if held_out is not None and (training.step % plan.pause == 0 or training.step == plan.steps):
            training.save(run / "checkpoint.pt")
            row = {"step": training.step, "side": image.shape[-1], "rate": round(rate_at(training.step - 1, plan), 7)}
            row |= {
                "loss": round(sum(losses) / len(losses), 4),
                **validate(training.averaged(), held_out, plan.held_out),
            }
            row |= {"seconds": round(time.monotonic() - begin)}
            with (run / "log.jsonl").open("a") as log:
                log.write(json.dumps(row) + "\n")
            print(row, flush=True)
            begin, losses = time.monotonic(), []
    if rank == 0:
        export(training.blended(), run / "box.safetensors")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--device", type=torch.device, default=torch.device("cpu"))
    parser.add_argument(
        "--processes", type=int, default=1, help="that share each batch, one thread each (processor only)"
    )
    options = parser.parse_args()
    cv2.setNumThreads(1)  # its threads would not outlive the forks below
    run, plan = options.run, Plan()
    run.mkdir(parents=True, exist_ok=True)
    if not (run / "bank.npz").exists():
        bank.save(bank.drawn(plan.seed, plan.subjects, plan.backgrounds, cores()), run / "bank.npz")
    drawn = bank.load(run / "bank.npz")
    with tempfile.TemporaryDirectory() as folder:
        shared = (run, plan, options.device, options.processes, f"{folder}/meeting", drawn)
        if options.processes == 1:
            train(0, *shared)
        else:  # forked, so that they share the bank
            multiprocessing.start_processes(train, shared, options.processes, start_method="fork")


if __name__ == "__main__":
    main()
