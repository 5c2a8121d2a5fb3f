"""``hongyan demo``: a server filled with people who have been chatting."""
