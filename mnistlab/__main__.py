"""``python -m mnistlab`` is the command ``mnistlab``."""

from mnistlab.cli.main import main

main()
