"""The order of the pixels, found again from scrambled images alone."""
