"""The bus inside one process: calls are calls."""
