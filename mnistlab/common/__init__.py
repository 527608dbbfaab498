"""What every wing stands on, and nothing of the digits: errors, files, locks, paths, progress, provenance."""
