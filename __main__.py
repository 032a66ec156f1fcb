"""``python -m semsync``."""

from .cli import main

main()
