"""Versions of the network on disk: their format, their history, and which one is in use."""
