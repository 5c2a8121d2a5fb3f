"""The floor of the domain: logs of entries, and the rows that follow from them."""
