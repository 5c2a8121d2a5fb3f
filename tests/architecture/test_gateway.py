"""A gateway's process has no database and no business rule in it."""

import re
import subprocess
import sys

ASKS = """
import sys
from importlib import import_module
import_module("hongyan.app.roles.gateway")
print("\\n".join(sorted(sys.modules)))
"""
PLAIN = re.compile(r"model|rows|ports|readers|scopes|commands|commands_\w+")
"""Modules of a service without rules."""
DATABASES = {"apsw", "sqlite3", "asyncpg", "psycopg", "psycopg2"}


def test_the_gateway_imports_no_database_and_no_rule() -> None:
    asked = subprocess.run([sys.executable, "-c", ASKS], check=True, capture_output=True, text=True)
    loaded = set(asked.stdout.split())
    assert "hongyan.access.native.session" in loaded
    assert not loaded & DATABASES
    ours = [name.split(".") for name in loaded if name.startswith("hongyan.")]
    rules = [
        ".".join(name)
        for name in ours
        if name[1] == "domain" and name[3:] and not PLAIN.fullmatch(name[-1])
    ]
    assert rules == []
    stores = {"sqlite", "postgres", "memory", "sql"}
    assert [name for name in ours if name[1] == "infra" and name[2:3] and name[2] in stores] == []
    assert "hongyan.app.composition.services" not in loaded
    assert "hongyan.app.roles.embedded" not in loaded
