"""Experiments of their own: their methods and figures. No wing but the command uses them; notebooks do."""
