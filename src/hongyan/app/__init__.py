"""The only room that knows everybody: settings, composition and the command line."""
