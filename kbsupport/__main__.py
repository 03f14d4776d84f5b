"""python -m kbsupport."""

from kbsupport.cli.main import run

run()
