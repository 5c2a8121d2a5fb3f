"""The runtime of readers and jobs: who does them, when, and from where on."""
