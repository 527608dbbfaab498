"""Notebooks run headless, and what follows from them: reports, gates, retraining, learning somebody's hand."""
