"""Files up and down, beside nginx on the same machine: ``python -m benchmarks.files``."""
