"""What ``run.json`` says of every dataset, whichever command made it."""

from typing import TYPE_CHECKING, Any

from syrip_gen.body import load_body
from syrip_gen.stages.merge import Tally
from syrip_gen.stages.provenance import command_line, licences

if TYPE_CHECKING:
    from syrip_gen.config import AnimateConfig, GenerateConfig

__all__ = ["run_record"]


def run_record(
    verb: str,
    config: "GenerateConfig | AnimateConfig",
    identity: dict[str, Any],
    tally: Tally,
    input_notes: list[str],
) -> dict[str, Any]:
    """Return who made the dataset, from what, under whose terms, and how many items failed and why.

    Args:
        verb: The command.
        config: Its settings.
        identity: What decides the dataset's bytes.
        tally: Of its items.
        input_notes: What was noticed in the input files.
    """
    return {
        **identity,
        "name": "syrip",
        "command": command_line(verb, config.identity(), type(config)().identity()),
        "seed": config.seed,
        "licences": licences(config, load_body(config.body)),
        "num_images": tally.num_images,
        "num_failures": tally.num_failures,
        "failures": {str(index): reason for index, reason in tally.failures.items()},
        "rejections": tally.rejections,
        "input_notes": input_notes,
        "notes": tally.notes,
    }
