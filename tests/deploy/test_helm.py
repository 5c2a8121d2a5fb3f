"""The chart, by Helm's own engine, and what it renders, by Kubernetes' own schemas."""

from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.deploy.settings_named import DEPLOY, unknown_settings

helm = pytest.importorskip("helm_python.chart", reason="Helm's engine has no build for here")
CHART = DEPLOY / "helm" / "hongyan"
KUBERNETES = "1.30"
EVERYTHING = {
    "ingress": {"enabled": True},
    "podMonitor": {"enabled": True},
    "networkPolicy": {"enabled": True},
    "imagePullSecrets": [{"name": "pull"}],
    "nodeSelector": {"disk": "fast"},
    "tolerations": [{"key": "chat", "operator": "Exists"}],
    "settings": {"HONGYAN_USERS__REGISTRATION": "invite"},
}


def rendered(values: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    files = helm.Chart.load(CHART).render(values, name="im", namespace="chat")
    texts = [text for name, text in files.items() if name.endswith(".yaml")]
    return [document for text in texts for document in yaml.safe_load_all(text) if document]


def test_it_has_no_lint() -> None:
    for values in (None, EVERYTHING):
        report = helm.lint(CHART, values, strict=True, kube_version="v1.30.0")
        assert report["errors"] == []
        assert [one for one in report["messages"] if one["severity"] > 1] == []


@pytest.mark.parametrize("values", [None, EVERYTHING], ids=["defaults", "everything"])
def test_kubernetes_would_take_it(values: dict[str, Any] | None) -> None:
    documents = rendered(values)
    kinds = [document["kind"] for document in documents]
    assert kinds.count("Deployment") == 3
    for document in documents:
        if document["kind"] != "PodMonitor":  # the schema of the operator's kind is not at hand
            kubernetes_validate.validate(document, KUBERNETES, strict=True)
    names = [(document["kind"], document["metadata"]["name"]) for document in documents]
    assert len(set(names)) == len(names)


def test_the_roles() -> None:
    found = {one["metadata"]["name"]: one for one in rendered() if one["kind"] == "Deployment"}
    assert set(found) == {"im-gateway", "im-backend", "im-worker"}
    for name, deployment in found.items():
        spec = deployment["spec"]["template"]["spec"]
        (container,) = spec["containers"]
        role = name.removeprefix("im-")
        assert container["args"] == [role]
        assert spec["securityContext"]["runAsNonRoot"]
        assert container["securityContext"]["readOnlyRootFilesystem"]
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        assert ports == ({"http": 8800} if role == "gateway" else {}) | {"metrics": 9464}
        drain = next(e["value"] for e in container["env"] if e["name"].endswith("DRAIN_S"))
        assert spec["terminationGracePeriodSeconds"] > int(drain)


def test_settings_exist() -> None:
    texts = [path.read_text() for path in CHART.rglob("*") if path.is_file()]
    assert unknown_settings("\n".join(texts)) == set()


def test_wrong_values_are_refused() -> None:
    chart = helm.Chart.load(CHART)
    for wrong in ({"gateway": {"replicas": -1}}, {"settings": {"lower": 1}}, {"publicUrl": "chat"}):
        with pytest.raises(Exception, match=r"replicas|propertyName|publicUrl"):
            chart.validate_schema(wrong)
