"""The edge of every command: what goes wrong ends as one sentence, Ctrl-C as a sentence and exit status 0."""

import signal
import sys

import click

from workbench.environment import stop_quietly


class Edge:
    """Mixed into click's commands: translates what would be a traceback or `Aborted!`."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; raises click.ClickException for what the operating system refuses."""
        if signal.getsignal(signal.SIGINT) is stop_quietly:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, click.Abort):
            click.echo("\nstopped", err=True)
            sys.exit(0)
        except PermissionError as error:
            raise click.ClickException(
                f"not allowed to use {error.filename or 'a process of another user'}: "
                "type this as the user who owns it"
            ) from None


class Command(Edge, click.Command):
    """A command that ends in a sentence."""


class Group(Edge, click.Group):
    """A group of commands that end in a sentence."""

    command_class = Command
