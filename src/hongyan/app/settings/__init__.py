"""Every setting, its sources, and the page of the documentation that lists them."""
