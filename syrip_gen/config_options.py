"""Click options derived from a config class, so that names, defaults and help are written once.

Only click is imported here; the config class (and pydantic with it) is imported when a command's options are
needed, which keeps ``syrip --help`` fast.
"""

import importlib
import types
import typing
from typing import Any

import click

__all__ = ["ConfigCommand"]


class ConfigCommand(click.Command):
    """A click command whose options are the fields of a pydantic config class, plus ``--config FILE``.

    The callback gets the checked config as ``config`` and its own options besides.
    """

    config_path: str = ""
    """``module:Class`` of the config; set by :meth:`of`."""

    @classmethod
    def of(cls, config_path: str) -> type["ConfigCommand"]:
        """Return a command class bound to one config class."""
        return type(cls.__name__, (cls,), {"config_path": config_path})

    def _model(self) -> Any:
        module, name = self.config_path.split(":")
        return getattr(importlib.import_module(module), name)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the config's options, then the command's own."""
        if not hasattr(self, "_options"):
            options: list[click.Parameter] = [
                _option(name, field) for name, field in self._model().model_fields.items()
            ]
            options.append(
                click.Option(
                    ["--config", "config_file"],
                    metavar="FILE",
                    type=click.Path(dir_okay=False),
                    help="YAML file of these settings; options on the command line win.  [default: none]",
                )
            )
            self._options = options
        return [*self._options, *super().get_params(ctx)]

    def invoke(self, ctx: click.Context) -> Any:
        """Build the config from file and command line, then call the command."""
        from syrip_gen.config import ConfigError, build_config, read_config_file

        model = self._model()
        path = ctx.params.pop("config_file", None)
        given = {}
        for name in model.model_fields:
            value = ctx.params.pop(name)
            if ctx.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT:
                given[name] = value
        try:
            values = {**(read_config_file(path) if path else {}), **given}
            ctx.params["config"] = build_config(model, values, source=str(path or ""))
        except ConfigError as error:
            raise click.UsageError(str(error), ctx) from error
        return super().invoke(ctx)


def _option(name: str, field: Any) -> click.Option:
    """Turn one field into one option."""
    extra = field.json_schema_extra or {}
    flag = extra.get("flag", f"--{name.replace('_', '-')}")
    flags = [flag, name, *([extra["short"]] if "short" in extra else [])]
    settings: dict[str, Any] = {"help": field.description, "default": field.default, "show_default": True}
    if field.default in (None, ()):
        settings.update(default=None, show_default="none")
    if "metavar" in extra:
        settings["metavar"] = extra["metavar"]
    kind = field.annotation
    origin = typing.get_origin(kind)
    if kind is bool:
        settings.update(is_flag=True, show_default="off")
    elif origin is tuple:
        settings.update(multiple=True, default=(), show_default="none")
    elif origin is typing.Literal:
        settings["type"] = click.Choice(typing.get_args(kind))
    elif kind is int:
        settings.update(type=int, metavar=extra.get("metavar", "INT"))
    elif origin in (typing.Union, types.UnionType) and int in typing.get_args(kind):
        settings["type"] = _IntOrWord([word for a in typing.get_args(kind) for word in typing.get_args(a)])
    return click.Option(flags, **settings)


class _IntOrWord(click.ParamType):
    """A whole number or one of a few words."""

    name = "int-or-word"

    def __init__(self, words: list[str]) -> None:
        self.words = words

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        """Return the number or the word; everything else is a usage error."""
        if value in self.words or isinstance(value, int):
            return value
        try:
            return int(value)
        except ValueError:
            self.fail(f"{value!r}: expected {' or '.join(self.words)} or a whole number.", param, ctx)
