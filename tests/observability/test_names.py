"""What the dashboard and the alerts ask for is there."""

import json
import re
from pathlib import Path

import httpx
import yaml

from tests.e2e.live_server import LiveServer
from tests.engines.process import free_ports

DEPLOY = Path(__file__).parents[2] / "deploy"
NAME = re.compile(r"\b(?:hongyan|process|python)_[a-z_]+\b")
SUFFIXES = re.compile(r"_(bucket|count|sum)$")


def asked_for() -> set[str]:
    """Return the names in all expressions."""
    dashboard = json.loads((DEPLOY / "grafana" / "hongyan.json").read_text())
    expressions = [
        target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())
    ]
    rules = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yaml").read_text())
    expressions += [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    assert len(expressions) > 30
    return {name for expression in expressions for name in NAME.findall(expression)}


def test_every_metric_of_dashboard_and_alerts_exists(tmp_path: Path) -> None:
    port = free_ports(1)[0]
    live = LiveServer(tmp_path / "data", f"metrics.listen=127.0.0.1:{port}")
    live.start()
    try:
        text = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    finally:
        live.stop()
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    there = set(kinds)
    names = {SUFFIXES.sub("", name) if name not in there else name for name in asked_for()}
    assert names - there == set()
    documented = (DEPLOY.parent / "docs" / "operate" / "observability.md").read_text()
    ours = {name for name in there if name.startswith("hongyan_")}
    assert {name for name in ours if f"`{name}`" not in documented} == set()
