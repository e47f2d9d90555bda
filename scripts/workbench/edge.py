"""The edge of every command: what goes wrong ends as one sentence, Ctrl-C as a sentence and exit status 0."""

import errno
import io
import signal
import sys

import click

from workbench.environment import stop_quietly

REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS)


class Edge:
    """Mixed into click's commands: translates what would be a traceback or `Aborted!`."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; raises click.ClickException for what the operating system refuses."""
        if signal.getsignal(signal.SIGINT) is stop_quietly:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # there may be letters that this terminal has not
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, click.Abort):
            click.echo("\nstopped", err=True)
            sys.exit(0)
        except OSError as error:
            if error.errno not in REFUSED:
                raise
            raise click.ClickException(
                f"not allowed to use {error.filename or 'a process of another user'}: "
                "type this as the user who owns it"
            ) from None


class Command(Edge, click.Command):
    """A command that ends in a sentence."""


class Group(Edge, click.Group):
    """A group of commands that end in a sentence."""

    command_class = Command
