"""The networks in PyTorch, how they learn, and a fair comparison of several."""
