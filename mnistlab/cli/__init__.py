"""The command ``mnistlab``, one module a subcommand."""
