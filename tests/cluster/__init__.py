"""The cluster: real engines and several processes."""
