"""The drawing pad: what is drawn, when it is read, how it is shown."""
