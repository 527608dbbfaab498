"""Notebooks run headless, and what is decided from them: runs, reports, retraining, gates."""
