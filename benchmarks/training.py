"""Does loading keep ahead of the network? ``python -m benchmarks.training --synthetic DIR`` (see ``--help``).

Prints, for one recipe on this machine:

* images/s of one loading process: cut from a decoded picture (in the cache) and with decoding (cache off);
* images/s of the training step of the recipe's network, everything included (forward, losses, backward, Adam,
  weight average);
* the ratio of the two: above 1, the network is the bottleneck.

On a CPU both are taken from processor time of one thread, the fastest of several rounds, so that other work
on the machine matters little; on a GPU the step is timed by the clock, and loading is multiplied by the
workers that the recipe would start.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from fidip.config import TrainOptions
from fidip.data.annotations import dataset_files, read_annotations
from fidip.data.images import ImageStore
from fidip.data.loaders import automatic_workers
from fidip.recipes import load_recipe
from fidip.training.feeds import Feeds
from fidip.training.networks import prepare_network
from fidip.training.preparation import RunData
from fidip.training.processes import keep_memory, open_fabric
from fidip.training.state import State, make_state
from fidip.training.steps import network_step

ROUNDS = 4
"""Rounds of each measurement; the fastest counts."""


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark and print its figures."""
    options = _parse(arguments)
    torch.set_num_threads(1)
    recipe = load_recipe(options.recipe, options.set)
    fabric = open_fabric(options.device, "auto")
    if fabric.device.type == "cpu":
        keep_memory()
    records = read_annotations(*dataset_files(Path(options.synthetic)), is_synthetic=True).records
    records = records[: options.n]
    weights = recipe.network.model_copy(update={"weights": options.weights})
    recipe = recipe.model_copy(update={"network": weights})
    network, _ = prepare_network(recipe, fabric)
    rates = {
        "load_cached": _loading_rate(recipe, network, fabric, records, TrainOptions().cache_mib),
        "load_decoding": _loading_rate(recipe, network, fabric, records, 0),
    }
    state = make_state(recipe, fabric, network, RunData(records, (), (), (), None), is_control=False)
    rates["network"] = _step_rate(state, records)
    workers = max(1, automatic_workers(fabric.device))
    for name in ("load_cached", "load_decoding"):
        rates[name.replace("load", "ratio")] = workers * rates[name] / rates["network"]
    print(f"{options.recipe} on {fabric.device}, batch {recipe.training.batch_size}, {workers} loaders")
    for name, rate in rates.items():
        print(f"  {name:16}{rate:10.1f}{'' if name.startswith('ratio') else ' images/s'}")
    if options.json:
        Path(options.json).write_text(json.dumps(rates, indent=1) + "\n")
    return 0


def _loading_rate(recipe, network, fabric, records, cache_mib) -> float:
    """Return images/s of one process that makes augmented crops."""
    store = ImageStore(cache_mib)
    if cache_mib:
        store.fill(records)
    feeds = Feeds(recipe, network.spec, fabric, store, seed=0, num_workers=0)
    loader = feeds.training(records)
    count = min(len(loader), 8) * recipe.training.batch_size

    def load() -> None:
        for number, _ in enumerate(loader, start=1):
            if number * recipe.training.batch_size >= count:
                return

    return count / _fastest(load, time.process_time)


def _step_rate(state: State, records) -> float:
    """Return images/s of the training step, on one batch again and again."""
    feeds = Feeds(state.recipe, state.network.spec, state.fabric, ImageStore(0), seed=0, num_workers=0)
    batch = next(iter(feeds.training(records))).to(state.fabric.device)
    state.network.train()
    on_gpu = state.fabric.device.type == "cuda"
    repeats = 20 if on_gpu else 1

    def steps() -> None:
        for _ in range(repeats):
            network_step(state, batch)
            if state.average is not None:
                state.average.update(state.network, state.step)
        if on_gpu:
            torch.cuda.synchronize()

    steps()
    return repeats * len(batch.images) / _fastest(steps, time.perf_counter if on_gpu else time.process_time)


def _fastest(action: Callable[[], None], clock: Callable[[], float]) -> float:
    seconds = []
    for _ in range(ROUNDS):
        began = clock()
        action()
        seconds.append(clock() - began)
    return min(seconds)


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--synthetic", required=True, help="dataset folder that syrip generate wrote")
    parser.add_argument("--recipe", default="fidip-movenet", help="recipe to measure")
    parser.add_argument(
        "--weights", default="default", help="weights of the network: default, none or a file"
    )
    parser.add_argument("--set", action="append", default=[], help="change one value of the recipe")
    parser.add_argument("--n", type=int, default=200, help="pictures to load")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    parser.add_argument("--json", help="also write the figures to this file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
