"""Training: it learns, it goes on where it stopped, and its file is a network."""

import itertools
from pathlib import Path

import pytest
import torch
import train
from generator import bank, scene

from mattecore.networks.loading import load

CPU = torch.device("cpu")
PLAN = train.Plan(
    stages=(
        train.Stage(until=3, side=64, batch=4),
        train.Stage(until=6, side=96, batch=2, manner=scene.Manner(accompanied=0.5, marked=0.5), overlap=1),
    ),
    cycles=(train.Cycle(0, 1, 2, rate=2e-3), train.Cycle(2, 3, 4, rate=2e-3), train.Cycle(4, 5, 6, rate=1e-3)),
    width=8,
    warmup=2,
    blend=(1, 2),
)


@pytest.fixture(scope="module")
def drawn() -> bank.Bank:
    return bank.drawn(PLAN.seed, 6, 3)


def trained(training: train.Training, drawn: bank.Bank, until: int) -> train.Training:
    for image, alpha in train.batches(PLAN, drawn, training.step, 0, 1, 1):
        training.take_step(image, alpha)
        if training.step == until:
            break
    return training


@pytest.mark.parametrize("stop", [2, 3, 4, 5])
def test_a_run_that_was_stopped_goes_on_as_if_it_had_not(drawn: bank.Bank, tmp_path: Path, stop: int) -> None:
    whole = trained(train.Training(PLAN, CPU), drawn, PLAN.steps)
    trained(train.Training(PLAN, CPU), drawn, stop).save(tmp_path / "checkpoint.pt")
    resumed = train.Training(PLAN, CPU)
    resumed.load(tmp_path / "checkpoint.pt")
    assert resumed.step == stop
    trained(resumed, drawn, PLAN.steps)
    assert resumed.step == whole.step == PLAN.steps
    for seen, wanted in ((resumed.average, whole.average), (resumed.blended(), whole.blended())):
        for name, value in wanted.items():
            torch.testing.assert_close(seen[name], value, rtol=0, atol=0)


def test_the_ends_of_the_blended_cycles_are_blended(drawn: bank.Bank) -> None:
    training = trained(train.Training(PLAN, CPU), drawn, 4)  # past two of three ends
    second = {name: value.clone() for name, value in training.average.items()}
    trained(training, drawn, PLAN.steps)
    blend = training.blended()
    training.averaged().load_state_dict(blend)  # every tensor is there
    for name, last in training.average.items():
        sharpness = PLAN.sharpness if name.startswith("alpha.") else 1
        torch.testing.assert_close(blend[name], (sharpness * (second[name] + last) / 2).to(last.dtype))


def test_processes_share_each_batch(drawn: bank.Bank) -> None:
    alone = list(train.batches(PLAN, drawn, 0, 0, 1, 2))
    halves = [list(train.batches(PLAN, drawn, 0, rank, 2, 1)) for rank in range(2)]
    assert len(alone) == len(halves[0]) == len(halves[1]) == PLAN.steps
    for step in range(PLAN.steps):
        together = torch.stack([half[step][0] for half in halves], 1).flatten(0, 1)
        assert torch.equal(together, alone[step][0])


def test_a_few_steps_lower_the_loss(drawn: bank.Bank) -> None:
    plan = train.Plan(
        (train.Stage(until=12, side=64, batch=4),), (train.Cycle(0, 11, 12, rate=2e-3),), width=8, warmup=2
    )
    training = train.Training(plan, CPU)
    image, alpha = next(train.batches(plan, drawn, 0, 0, 1, 1))
    losses = [training.take_step(image, alpha) for _ in itertools.repeat(None, 12)]
    assert losses[-1] < 0.9 * losses[0]


def test_the_rate_rises_stays_and_falls_to_nothing() -> None:
    cycles = train.Cycle(0, 900, 1000, 2e-3), train.Cycle(1000, 1200, 2000, 1e-3)
    plan = train.Plan(stages=(train.Stage(until=2000, side=64),), warmup=10, cycles=cycles)
    rates = [train.rate_at(step, plan) for step in range(2001)]
    for cycle in cycles:
        warm = cycle.begin + plan.warmup
        assert rates[cycle.begin : warm] == sorted(rates[cycle.begin : warm])
        assert set(rates[warm : cycle.fall + 1]) == {cycle.rate}
        assert rates[cycle.fall : cycle.end] == sorted(rates[cycle.fall : cycle.end], reverse=True)
        assert rates[cycle.end - 1] < cycle.rate / 1000
    assert rates[2000] == 0


def test_what_is_exported_is_the_network(tmp_path: Path) -> None:
    training = train.Training(PLAN, CPU)
    train.export(training.average, tmp_path / "box.safetensors")
    image = torch.randint(0, 256, (1, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    found = load(tmp_path / "box.safetensors", precision="exact").forward(train.normalised(image), None)
    with torch.inference_mode():
        wanted = training.averaged()(train.normalised(image))
    torch.testing.assert_close(found, wanted, rtol=0, atol=4 / 255)  # the kernels' eleven binary places
