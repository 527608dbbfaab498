"""The page that reads in a browser, by itself: HTML, CSS and scripts, and their export as static files."""
