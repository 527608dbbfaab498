"""What every wing stands on, and nothing about digits: errors, files, locks, paths, progress, provenance, HTML."""
