"""The names of subjects, all below the cluster's own name."""


class Subjects:
    """Names subjects.

    Args:
        cluster: The cluster's name; several clusters may share a broker.
    """

    def __init__(self, cluster: str) -> None:
        self._cluster = cluster
        self.alive = f"{cluster}.alive"
        """Signs of life of all nodes."""
        self.who = f"{cluster}.who"
        """Asks all nodes for a sign of life."""
        self.committed = f"{cluster}.heard"
        """Carries what was committed, for the caches of others."""
        self.followed = f"{cluster}.followed"
        """Carries entries that belong to a trace to all gateways."""
        self.traces = f"{cluster}.traces"
        """Asks all gateways what they know of an entry."""

    def known(self, asker: str) -> str:
        """Return where a process takes what gateways know."""
        return f"{self._cluster}.told.{asker}"

    def calls(self, node: str) -> str:
        """Return where a backend takes calls."""
        return f"{self._cluster}.calls.{node}"

    def answers(self, caller: str, node: str = "*", batch: int | str = "*") -> str:
        """Return where a caller takes answers; ``node`` and ``batch`` say to which message."""
        return f"{self._cluster}.answers.{caller}.{node}.{batch}"
