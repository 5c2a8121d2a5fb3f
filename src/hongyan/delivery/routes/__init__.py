"""How a fact finds the nodes whose users it concerns, whatever carries it there."""
