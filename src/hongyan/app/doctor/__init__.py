"""``hongyan doctor``: diagnostics of an installation, each with its remedy."""
