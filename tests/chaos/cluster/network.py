"""A network of hosts: one network namespace each, joined by a bridge in another one."""

import ctypes
import os
import subprocess
from collections.abc import Sequence

SUBNET = "10.77.0"
CLONE_NEWNET = 0x40000000
RULES = """
table inet cut {{
    set away {{ type ipv4_addr; {elements} }}
    chain coming {{ type filter hook input priority 0; ip saddr @away drop; }}
    chain going {{ type filter hook output priority 0; ip daddr @away drop; }}
}}
"""


def run(*command: str, text: str = "") -> None:
    """Run a command as root, and raise with what it said when it fails."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")


class Network:
    """Hosts by name, each with an address; nothing leaves the machine.

    Args:
        names: The hosts.
        tag: Keeps the namespaces of several networks apart.
    """

    def __init__(self, names: Sequence[str], tag: str) -> None:
        self._spaces = {name: f"{tag}-{name}" for name in names}
        self._switch = f"{tag}-switch"
        self._numbers = {name: number for number, name in enumerate(names, start=1)}
        self._cuts: set[frozenset[str]] = set()

    def open(self) -> None:
        """Make the namespaces and join them."""
        run("ip", "netns", "add", self._switch)
        run("ip", "-n", self._switch, "link", "add", "bridge", "type", "bridge")
        run("ip", "-n", self._switch, "link", "set", "bridge", "up")
        for name, space in self._spaces.items():
            port = f"port{self._numbers[name]}"
            run("ip", "netns", "add", space)
            pair = ("type", "veth", "peer", "name", "eth0", "netns", space)
            run("ip", "link", "add", port, "netns", self._switch, *pair)
            run("ip", "-n", self._switch, "link", "set", port, "master", "bridge", "up")
            run("ip", "-n", space, "addr", "add", f"{self.address(name)}/24", "dev", "eth0")
            run("ip", "-n", space, "link", "set", "eth0", "up")
            run("ip", "-n", space, "link", "set", "lo", "up")

    def close(self) -> None:
        """Remove the namespaces."""
        for space in (*self._spaces.values(), self._switch):
            subprocess.run(("ip", "netns", "del", space), capture_output=True, check=False)

    def address(self, name: str) -> str:
        """Return the host's address."""
        return f"{SUBNET}.{self._numbers[name]}"

    def on(self, name: str) -> tuple[str, ...]:
        """Return what to put before a command to run it on that host."""
        return ("ip", "netns", "exec", self._spaces[name])

    def enter(self, name: str) -> None:
        """Move this thread, and all threads and processes that it starts from now on, there."""
        libc = ctypes.CDLL(None, use_errno=True)
        space = os.open(f"/var/run/netns/{self._spaces[name]}", os.O_RDONLY)
        try:
            if libc.setns(space, CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")
        finally:
            os.close(space)

    def cut(self, one: str, other: str) -> None:
        """Let no packet through between two hosts, in silence, as a broken switch would."""
        self._cuts.add(frozenset((one, other)))
        self._enforce(one)
        self._enforce(other)

    def heal(self, one: str, other: str) -> None:
        """Let packets through again."""
        self._cuts.discard(frozenset((one, other)))
        self._enforce(one)
        self._enforce(other)

    def _enforce(self, name: str) -> None:
        away = [self.address(o) for cut in self._cuts if name in cut for o in cut - {name}]
        elements = f"elements = {{ {', '.join(away)} }};" if away else ""
        rules = "table inet cut\ndelete table inet cut\n" + RULES.format(elements=elements)
        run(*self.on(name), "nft", "-f", "-", text=rules)
