"""The command ``hongyan``, one module for each group of verbs."""
