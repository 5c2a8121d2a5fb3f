"""``hongyan`` as a module, so that the server can be started with any interpreter options."""

from hongyan.app.cli import main

if __name__ == "__main__":
    main()
