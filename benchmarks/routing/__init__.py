"""What each way to route facts costs, for clusters of 1 to 16 gateways."""
