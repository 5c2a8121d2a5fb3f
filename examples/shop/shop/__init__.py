"""A small web shop whose customers and support talk in Hongyan's widget."""
