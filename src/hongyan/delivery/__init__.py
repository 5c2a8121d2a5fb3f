"""Connected peers, and the delivery of events to them."""
