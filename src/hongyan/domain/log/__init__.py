"""The log: entries, and the rows that follow from them."""
