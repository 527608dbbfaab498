"""Self-contained experiments: their methods and figures. Notebooks use them, and no wing but the command does."""
