"""Versions of the network on disk: their format, their order, and which one is in use."""
