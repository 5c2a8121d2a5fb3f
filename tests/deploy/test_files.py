"""The files of deploy/ are what their tools want, and name only settings that there are."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.settings_named import DEPLOY, unknown_settings

BIN = Path(sys.executable).parent
COMPOSE = DEPLOY / "compose"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
TEXTS = sorted(
    path for path in DEPLOY.rglob("*") if path.is_file() and path.suffix not in (".json", ".pem")
)


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(DEPLOY)))
def test_settings_exist(path: Path) -> None:
    assert unknown_settings(path.read_text()) == set()


def test_compose_is_what_its_schema_wants() -> None:
    command = [str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec"]
    ended = subprocess.run(
        [*command, str(COMPOSE / "compose.yaml")], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout


def test_compose_names_what_there_is() -> None:
    text = (COMPOSE / "compose.yaml").read_text()
    compose: dict[str, Any] = yaml.safe_load(text)
    services = compose["services"]
    roles = [
        service["command"][0]
        for name, service in services.items()
        if "&" not in name and str(service.get("image", "")).startswith("${HONGYAN_IMAGE")
    ]
    assert sorted(roles) == ["backend", "backend", "gateway", "gateway", "worker"]
    wanted = set(re.findall(r"\$\{(\w+)", text))
    example = set(re.findall(r"^(\w+)=", (COMPOSE / "env.example").read_text(), re.MULTILINE))
    assert wanted == example
    for service in services.values():
        named = {mount.split(":")[0] for mount in service.get("volumes", ())}
        assert {name for name in named if not name.startswith(".")} <= set(compose["volumes"])
        assert set(service.get("depends_on", ())) <= set(services)
        assert ":latest" not in service["image"] or "HONGYAN_IMAGE" in service["image"]
    json.loads((COMPOSE / "s3.json.example").read_text())


def test_only_the_proxy_is_reached_from_outside() -> None:
    services = yaml.safe_load((COMPOSE / "compose.yaml").read_text())["services"]
    assert [name for name, service in services.items() if "ports" in service] == ["haproxy"]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_units_are_sound_and_hardened(unit: Path, tmp_path: Path) -> None:
    name = unit.name.replace("@.", "@8800.")
    made = tmp_path / name
    text = unit.read_text().replace("/opt/hongyan/bin/hongyan", str(BIN / "hongyan"))
    made.write_text(text.replace("%i", "8800"))
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(made)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    complaints = [line for line in verified.stderr.splitlines() if name in line]
    assert (verified.returncode, complaints) == (0, []), verified.stderr
    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--threshold=20", str(made)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert rated.returncode == 0, rated.stdout[-500:] + rated.stderr


def test_the_image_is_built_with_care() -> None:
    text = (DEPLOY / "docker" / "Dockerfile").read_text()
    instructions = re.findall(r"^([A-Z]+) (.*)", text, re.MULTILINE)
    froms = [rest.split()[0] for word, rest in instructions if word == "FROM"]
    assert len(froms) == 3
    assert all(re.search(r":[\w.]*\d", image) for image in froms), "every base has a version"
    last = text[text.rindex("\nFROM") :]
    words = [word for word, _ in re.findall(r"^([A-Z]+) (.*)", last, re.MULTILINE)]
    assert "USER" in words
    assert words.index("USER") < words.index("ENTRYPOINT")
    assert "HEALTHCHECK" in words
    assert "ADD" not in [word for word, _ in instructions]
    assert "--require-hashes" in text
    for source in re.findall(r"^COPY (?!--from)(?:--\S+ )?(.+) \S+$", text, re.MULTILINE):
        for path in source.split():
            assert (DEPLOY.parent / path).exists(), path


def test_alerts_and_dashboard_are_read() -> None:
    rules = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yaml").read_text())["groups"][0][
        "rules"
    ]
    assert len({rule["alert"] for rule in rules}) == len(rules) >= 10
    for rule in rules:
        assert rule["annotations"].keys() == {"summary", "action"}, rule["alert"]
        assert rule["labels"]["severity"] in ("warning", "critical")
    dashboard = json.loads((DEPLOY / "grafana" / "hongyan.json").read_text())
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
    for panel in dashboard["panels"]:
        where = panel["gridPos"]
        assert where["x"] + where["w"] <= 24, panel["title"]
