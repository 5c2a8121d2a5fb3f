"""Visibility: who sees which entry, in which version. Everybody who shows one asks here."""
