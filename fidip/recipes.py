"""Recipes by name: YAML files in assets/recipes, each of which may extend another and change a few values."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from fidip.config import Recipe

__all__ = ["TASKS", "load_any_recipe", "load_recipe", "recipe_names", "recipes_folder"]

MAX_DEPTH = 5

TASKS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "pose": ("fidip.config", "Recipe"),
        "lift": ("fidip.lifting.config", "LiftRecipe"),
        "detect": ("fidip.detection.config", "DetectRecipe"),
    }
)
"""What a recipe's ``task`` may be (``pose`` where it does not say), and the class of such recipes."""


def recipes_folder() -> Path:
    """Return the folder of the shipped recipes, in a checkout or in an installed package."""
    package = Path(__file__).resolve().parents[1]
    places = (package / "assets" / "recipes", package / "syrip_gen" / "assets" / "recipes")
    for place in places:
        if place.is_dir():
            return place
    raise FileNotFoundError(f"the shipped recipes are missing: looked in {places[0]} and {places[1]}")


def recipe_names() -> tuple[str, ...]:
    """Return the names of the shipped recipes; bases that only others extend begin with an underscore."""
    return tuple(sorted(p.stem for p in recipes_folder().glob("*.yaml") if not p.stem.startswith("_")))


def load_recipe(name: str, changes: Sequence[str] = ()) -> Recipe:
    """Read a recipe of a 2D pose network.

    Args:
        name: A shipped recipe's name, or a YAML file.
        changes: ``section.key=value`` lines that win over the file.

    Raises:
        ValueError: If there is no such recipe, or a value is wrong; the message names it.
    """
    task, recipe = load_any_recipe(name, changes)
    if task != "pose":
        raise ValueError(f"recipe {name} is for the task {task}, not for a 2D pose network")
    return recipe


def load_any_recipe(name: str, changes: Sequence[str] = ()) -> tuple[str, Any]:
    """Read a recipe of any task; return the task and the recipe.

    Raises:
        ValueError: As :func:`load_recipe`.
    """
    values = _read(name, depth=0)
    for change in changes:
        values = _merged(values, _parse_change(change))
    task = values.pop("task", "pose")
    if task not in TASKS:
        raise ValueError(f"recipe {name}: unknown task {task!r}; there are {', '.join(TASKS)}")
    module, class_name = TASKS[task]
    kind: type[BaseModel] = getattr(import_module(module), class_name)
    try:
        return task, kind.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"recipe {name}: {place}: {first['msg']}, got {first['input']!r}") from None


def _read(name: str, depth: int) -> dict[str, Any]:
    if depth > MAX_DEPTH:
        raise ValueError(f"recipe {name}: more than {MAX_DEPTH} recipes extend each other; is it a circle?")
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        path = recipes_folder() / f"{name}.yaml"
        if "/" in name or not path.is_file():
            raise ValueError(
                f"unknown recipe {name!r}; there are {', '.join(recipe_names())}, or give a .yaml file"
            )
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError(f"recipe {path} cannot be read: {error}") from None
    if not isinstance(values, dict):
        raise ValueError(f"recipe {path} must be a mapping of sections, got {type(values).__name__}")
    base = values.pop("extends", None)
    return values if base is None else _merged(_read(str(base), depth + 1), values)


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``base`` with ``changes`` on top, section by section."""
    merged = dict(base)
    for key, value in changes.items():
        inner = merged.get(key)
        both = isinstance(inner, Mapping) and isinstance(value, Mapping)
        merged[key] = _merged(inner, value) if both else value
    return merged


def _parse_change(text: str) -> dict[str, Any]:
    key, equals, value = text.partition("=")
    parts = key.strip().split(".")
    if not equals or len(parts) != 2 or not all(parts):
        raise ValueError(f"--set {text!r}: expected SECTION.KEY=VALUE, as in optimizer.learning_rate=1e-4")
    try:
        parsed = yaml.safe_load(value)
    except yaml.YAMLError:
        raise ValueError(f"--set {text!r}: the value is not YAML") from None
    return {parts[0]: {parts[1]: parsed}}
