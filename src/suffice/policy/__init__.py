"""Which tier first, and whether another: pure functions."""
