"""How command lines are read: commands are imported when they are needed, and old spellings of options keep working."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click


class LazyGroup(click.Group):
    """Commands whose modules are imported only when they run or when their help is shown.

    Args:
        names: Of the commands, in the order of the help. The command NAME is the function NAME of the module
            `landcover.cli.NAME`.
    """

    def __init__(self, *arguments: Any, names: Sequence[str], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.names = names

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order of the help."""
        return list(self.names)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import a command; an unknown one is a usage error that lists the others."""
        if name in self.names:
            command: click.Command = getattr(import_module(f"landcover.cli.{name}"), name)
            return command
        if ctx.resilient_parsing:  # the shell completes a line that is not finished
            return None
        ctx.fail(f"No such command {name!r}. There are {', '.join(self.names)}.")

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the options of the program; what follows them is left to the command."""
        return super().parse_args(ctx, [*spelled_out(self, ctx, args[:1]), *args[1:]])


class Command(click.Command):
    """A command that accepts all spellings of options that `argparse` did, see `spelled_out`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read a command line."""
        return super().parse_args(ctx, spelled_out(self, ctx, args))


def spelled_out(command: click.Command, ctx: click.Context, args: Sequence[str]) -> list[str]:
    """A command line as click reads it, from one as `argparse` did, which read those of this program up to 0.1.

    Long names may be cut short as long as one option begins so (`--prob`), and a short name may be followed by "="
    (`-o=maps`).

    Raises:
        click.UsageError: An option is followed by another option instead of its value, which click would take for it.
    """
    if ctx.resilient_parsing:
        return list(args)
    options = {name: one for one in command.get_params(ctx) if isinstance(one, click.Option) for name in one.opts}
    result: list[str] = []
    waiting = ""  # the option whose value comes next
    for position, arg in enumerate(args):
        if arg == "--":
            return [*result, *args[position:]]
        if waiting:
            if _looks_like_option(arg):
                raise click.BadOptionUsage(waiting, f"Option {waiting!r} requires an argument.", ctx)
            result.append(arg)
            waiting = ""
            continue
        name, equals, value = arg.partition("=")
        if name.startswith("--") and name not in options:
            candidates = [option for option in options if option.startswith(name)]
            name = candidates[0] if len(candidates) == 1 else name
        takes_value = name in options and not (options[name].is_flag or options[name].is_eager)
        if takes_value and equals and not name.startswith("--"):
            result += [name, value]
        else:
            result.append(f"{name}{equals}{value}")
            waiting = name if takes_value and not equals else ""
    return result


def _looks_like_option(arg: str) -> bool:
    """Whether an argument is no value: it begins with "-" and is neither a number nor "-" alone."""
    try:
        float(arg)
    except ValueError:
        return arg.startswith("-") and arg != "-"
    return False
