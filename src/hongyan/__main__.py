"""``python -m hongyan``: the same as the command ``hongyan``."""

from hongyan.app.main import main

main()
