"""Judging: intervals, metrics, conformal sets, and numbers as text."""
