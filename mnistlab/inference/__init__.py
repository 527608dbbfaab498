"""Reading digits with a version, and explaining what was read."""
