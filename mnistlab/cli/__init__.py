"""The command ``mnistlab``: one module for each subcommand."""
