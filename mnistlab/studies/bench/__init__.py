"""Measurements that are commands: speed, accuracy over seeds, pen strokes replayed."""
