"""Write a lifter that comes with syrip: ``python -m fidip.lifting.build_shipped RUN``.

Only a run may be shipped whose data may: see assets/LICENSES.md for the commands that made it.
"""

import argparse
import json
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file

from fidip.checkpoint import save_weights
from fidip.lifting.begin import run_weights
from fidip.lifting.shipped import OF_FRAMES, OVER_TIME
from fidip.lifting.state import open_lifter_weights
from fidip.recipes import recipes_folder

__all__ = ["halve", "main"]


def halve(source: Path, target: Path) -> int:
    """Write a lifter's weights at 16 bits; return the size of the file in bytes.

    Raises:
        ValueError: If the source is no lifter.
    """
    open_lifter_weights(source)
    with safe_open(source, "pt") as file:
        described = file.metadata()
    tensors = {
        name: tensor.to(torch.float16) if tensor.is_floating_point() else tensor
        for name, tensor in load_file(source).items()
    }
    save_weights(target, tensors, described)
    return target.stat().st_size


def main() -> None:
    """Write ``lifter_infant.safetensors``, or ``..._temporal`` from a run over time."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", help="run folder of syrip train --recipe lifter-infant or lifter-temporal")
    parser.add_argument("-o", "--output", type=Path, help="by default in assets/weights")
    args = parser.parse_args()
    weights = run_weights(args.run)
    name = OF_FRAMES if open_lifter_weights(weights).frames == 1 else OVER_TIME
    output = args.output or recipes_folder().parent / "weights" / name
    size = halve(weights, output)
    notes = json.loads((Path(args.run) / "run.json").read_text())["notes"]
    print(f"{output}: {size / 1e6:.2f} MB, trained on: {'; '.join(notes)}")


if __name__ == "__main__":
    main()
