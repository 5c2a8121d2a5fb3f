"""Routing of events to the nodes whose users they concern, over any transport."""
