"""The networks in PyTorch, and how they learn."""
