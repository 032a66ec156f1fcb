"""The command line: the group and its errors. Commands parse, call and print; their work is imported when they run."""

from __future__ import annotations

import errno
from typing import Any

import click

from . import __version__
from .commands import networks, recordings, training
from .commands.output import failure
from .errors import SemsyncError


class _Commands(click.Group):
    """Commands in the order of the work, and errors that a user can mend as one sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SemsyncError as error:
            raise failure(str(error)) from error
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            raise failure(f"the disk is full; free some space, then {self._how_to_go_on(ctx)}") from error
        except ModuleNotFoundError as error:
            if error.name and error.name.startswith("semsync"):
                raise
            sentence = f"this command needs {error.name}, which is not installed: pip install 'semsync[all]'"
            raise failure(sentence) from error
        except KeyboardInterrupt:
            click.echo(f"\nsemsync: interrupted; {self._how_to_go_on(ctx)}", err=True)
            raise SystemExit(130) from None

    def _how_to_go_on(self, ctx: click.Context) -> str:
        command = self.commands.get(ctx.invoked_subcommand or "")
        resumes = command is not None and any(parameter.name == "resume" for parameter in command.params)
        return "go on with --resume, finished work is kept" if resumes else "start again"


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="semsync")
def main() -> None:
    """Train spiking networks with exact spike times, prove them in NEST, analyse them as cortex is analysed.

    \b
    Examples:
      semsync run                                  train, simulate, analyse and report on digits
      semsync run yin-yang --seeds 3 --out runs/yy
      semsync simulate runs/digits/network.safetensors --dataset digits
      semsync inspect recording.nwb                what is in it, and which analysis to try
      semsync analyze recording.nwb
    """


for command in (
    training.run,
    training.train,
    networks.evaluate,
    networks.simulate,
    networks.validate,
    networks.export,
    recordings.inspect,
    recordings.analyze,
    recordings.analyses,
    recordings.compare,
    training.reproduce,
    training.report,
    recordings.data,
):
    main.add_command(command)


if __name__ == "__main__":
    main()
