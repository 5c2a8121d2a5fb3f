"""``python -m hongyan``: the same as the command ``hongyan``."""

from hongyan.app.cli.main import main

main()
