"""What of a run's data could not be used: said when the run begins and again when it ends."""

from collections.abc import Sequence

__all__ = ["failure_lines"]

MAX_TOLD = 10


def failure_lines(failures: Sequence[str]) -> list[str]:
    """Return lines that say what of the data was left out, the first ones if it is much.

    Args:
        failures: One line each; all of them are in the run's run.json.
    """
    if not failures:
        return []
    one = len(failures) == 1
    lines = [f"left out, because {'it is' if one else 'they are'} missing or cannot be read:"]
    lines += [f"  {text}" for text in failures[:MAX_TOLD]]
    if len(failures) > MAX_TOLD:
        lines.append(f"  ... and {len(failures) - MAX_TOLD} more, all of them in run.json")
    return lines
