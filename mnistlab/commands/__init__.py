"""The commands of ``mnistlab``, one subject a module; ``mnistlab.cli`` puts them together."""
