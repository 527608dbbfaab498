"""The HTTP API: predictions, feedback, statistics and metrics, and the page in front of it."""
