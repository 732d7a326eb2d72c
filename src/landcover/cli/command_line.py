"""How command lines are read: commands are imported when they are needed, and old spellings of options keep working."""

from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any

import click


class Command(click.Command):
    """A command that reads options in every way that `argparse` did, which read those of this program up to 0.1."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read a command line.

        Raises:
            click.UsageError: It is wrong. The error knows the command, so that its usage can be shown.
        """
        try:
            return super().parse_args(ctx, args if ctx.resilient_parsing else self._spell_out(ctx, args))
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the epilog with its own line breaks: click's would cut names of options at their hyphens."""
        if self.epilog:
            formatter.write_paragraph()
            formatter.write(self.epilog)

    def _spell_out(self, ctx: click.Context, args: Sequence[str]) -> list[str]:
        """A command line as click reads it, from one as `argparse` did.

        A long name may be cut short where one option alone begins so (`--prob`); a short name may be followed by an
        equals sign (`-o=maps`); and a value never looks like an option: the next option is not taken for it.
        """
        options = {name: one for one in self.get_params(ctx) if isinstance(one, click.Option) for name in one.opts}
        result: list[str] = []
        waiting = ""  # the option whose value comes next
        for position, arg in enumerate(args):
            if arg == "--" or not (waiting or arg.startswith("-") or ctx.allow_interspersed_args):
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
            takes_value = name in options and not options[name].is_flag
            if takes_value and equals and not name.startswith("--"):
                result += [name, value]
            else:
                result.append(f"{name}{equals}{value}")
                waiting = name if takes_value and not equals else ""
        return result


class LazyGroup(Command, click.Group):
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


def _looks_like_option(arg: str) -> bool:
    """Whether an argument is no value: it begins with "-" and is neither a number nor "-" alone."""
    with suppress(ValueError):
        float(arg)
        return False
    return arg.startswith("-") and arg != "-"
