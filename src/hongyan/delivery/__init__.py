"""Who is connected here, and how a fact reaches them."""
