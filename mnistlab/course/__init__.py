"""What the notebooks give their readers to do: exercises that are checked, films to step through, a kernel to paint."""
