"""The drawing pad: what is drawn, when it is read, and how the reading is shown."""
