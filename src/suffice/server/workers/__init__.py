"""Several processes on one port: each serves on its own; what concerns all of them passes through one that does not."""
