"""The manifests, rendered by kubectl and checked offline: against the schemas, and against each other."""

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import typer.main
import yaml
from typer.core import TyperGroup

from connector.cli.app import app
from connector.cli.exits import Exit
from connector.config import load_config

DEPLOY = Path(__file__).parents[2] / "deploy" / "kubernetes"
OVERLAYS = ("postgresql", "sqlite")
EXTRAS = ("cron-sync", "backfill-job", "backfill-nightly")
VERSION = "1.32"
NAME = {"app.kubernetes.io/name": "docflo-connector"}
OWN_TYPES = frozenset({"ServiceMonitor"})  # defined by an operator, not by Kubernetes

Manifest = Mapping[str, Any]


@cache
def render(folder: str) -> tuple[Manifest, ...]:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("needs kubectl to render the manifests")
    rendered = subprocess.run(  # noqa: S603 a tool of ours on files of ours
        [kubectl, "kustomize", str(DEPLOY / folder)], check=True, capture_output=True, text=True
    )
    return tuple(yaml.safe_load_all(rendered.stdout))


@pytest.fixture(params=OVERLAYS)
def overlay(request: pytest.FixtureRequest) -> tuple[Manifest, ...]:
    return render(f"overlays/{request.param}")


@pytest.fixture(scope="module")
def with_cron(tmp_path_factory: pytest.TempPathFactory) -> tuple[Manifest, ...]:
    """An overlay of a user's own that adds the scheduled cycle and a backfill, at once and at night."""
    folder = tmp_path_factory.mktemp("kubernetes")
    shutil.copytree(DEPLOY, folder / "kubernetes")
    path = folder / "kubernetes" / "overlays" / "postgresql" / "kustomization.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace(
            "components:\n", "components:\n" + "".join(f"  - ../../components/{name}\n" for name in EXTRAS)
        ),
        encoding="utf-8",
    )
    return render(str(path.parent))


def one(manifests: tuple[Manifest, ...], kind: str) -> Manifest:
    [found] = [manifest for manifest in manifests if manifest["kind"] == kind]
    return found


def pods(manifests: tuple[Manifest, ...]) -> Iterator[Manifest]:
    for manifest in manifests:
        match manifest["kind"]:
            case "Deployment" | "Job":
                yield manifest["spec"]["template"]
            case "CronJob":
                yield manifest["spec"]["jobTemplate"]["spec"]["template"]


def containers(pod: Manifest) -> list[Manifest]:
    return [*pod["spec"].get("initContainers", ()), *pod["spec"]["containers"]]


def test_every_manifest_fits_the_schema_of_its_kind(
    overlay: tuple[Manifest, ...], with_cron: tuple[Manifest, ...]
) -> None:
    for manifest in (*overlay, *with_cron):
        if manifest["kind"] not in OWN_TYPES:
            kubernetes_validate.validate(manifest, VERSION, strict=True)


def test_selectors_match_the_labels_of_the_pods(overlay: tuple[Manifest, ...]) -> None:
    labels = one(overlay, "Deployment")["spec"]["template"]["metadata"]["labels"]
    selectors = [
        one(overlay, "Deployment")["spec"]["selector"]["matchLabels"],
        one(overlay, "Service")["spec"]["selector"],
        one(overlay, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
    ]

    assert selectors
    for selector in selectors:
        assert selector.items() >= NAME.items()
        assert selector.items() <= labels.items()


def test_the_budget_and_the_monitor_select_the_pods_and_the_service() -> None:
    rendered = render("overlays/postgresql")
    labels = one(rendered, "Deployment")["spec"]["template"]["metadata"]["labels"]

    assert one(rendered, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"].items() <= labels.items()
    monitor = one(rendered, "ServiceMonitor")["spec"]
    service = one(rendered, "Service")
    assert monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert {each["port"] for each in monitor["endpoints"]} == {
        port["name"] for port in service["spec"]["ports"]
    }


def test_no_container_has_more_rights_than_it_needs(with_cron: tuple[Manifest, ...]) -> None:
    for pod in pods(with_cron):
        assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
        assert pod["spec"]["automountServiceAccountToken"] is False
        for container in containers(pod):
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"] is True
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"]["drop"] == ["ALL"]
            assert "memory" in container["resources"]["limits"]
            assert "cpu" in container["resources"]["requests"]


def test_the_probes_ask_for_pages_that_the_named_port_serves(overlay: tuple[Manifest, ...]) -> None:
    [container] = one(overlay, "Deployment")["spec"]["template"]["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}

    paths = {probe: container[probe]["httpGet"]["path"] for probe in ("livenessProbe", "readinessProbe")}
    assert paths == {"livenessProbe": "/livez", "readinessProbe": "/readyz"}
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["port"] in ports
    assert one(overlay, "Service")["spec"]["ports"][0]["targetPort"] in ports


def test_every_mounted_volume_and_every_referenced_map_exists(with_cron: tuple[Manifest, ...]) -> None:
    maps = {manifest["metadata"]["name"] for manifest in with_cron if manifest["kind"] == "ConfigMap"}
    for pod in pods(with_cron):
        volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
        for container in containers(pod):
            assert {mount["name"] for mount in container["volumeMounts"]} <= volumes.keys()
        named = {volume["configMap"]["name"] for volume in volumes.values() if "configMap" in volume}
        assert named
        assert named <= maps


def test_all_containers_run_the_same_image(with_cron: tuple[Manifest, ...]) -> None:
    images = {container["image"] for pod in pods(with_cron) for container in containers(pod)}

    assert len(images) == 1
    assert ":" in images.pop()


def test_the_jobs_name_options_and_exit_codes_that_the_program_has(with_cron: tuple[Manifest, ...]) -> None:
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    known = root.commands["backfill"]
    assert isinstance(known, TyperGroup)
    options = {
        option for command in known.commands.values() for each in command.params for option in each.opts
    }

    jobs = [each for pod in pods(with_cron) for each in containers(pod) if each["name"] == "backfill"]
    given = {word.partition("=")[0] for job in jobs for word in job["args"] if word.startswith("--")}
    failing, later, _ = one(with_cron, "Job")["spec"]["podFailurePolicy"]["rules"]

    assert len(jobs) == 2
    assert given
    assert given <= options
    assert failing["onExitCodes"]["values"] == [
        Exit.CONFIGURATION,
        Exit.CREDENTIALS,
        Exit.DEAD,
        Exit.IN_DOUBT,
    ]
    assert later["onExitCodes"]["values"] == [Exit.LATER, Exit.TERMINATED]


def test_one_pod_holds_the_file_of_the_embedded_database() -> None:
    deployment = one(render("overlays/sqlite"), "Deployment")["spec"]

    assert deployment["replicas"] == 1
    assert deployment["strategy"]["type"] == "Recreate"


def test_a_pod_is_given_longer_to_stop_than_the_service_takes(
    tmp_path: Path, overlay: tuple[Manifest, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also that the configuration in the map is one that the program reads."""
    spec = one(overlay, "Deployment")["spec"]["template"]["spec"]
    monkeypatch.setenv("DATABASE_URL", "sqlite:///connector.db")
    [text] = [
        manifest["data"]["config.yaml"]
        for manifest in overlay
        if manifest["kind"] == "ConfigMap" and "config.yaml" in manifest["data"]
    ]
    (tmp_path / "config.yaml").write_text(text, encoding="utf-8")

    config = load_config(tmp_path / "config.yaml", offline=True)

    assert config.database.endswith("connector.db")
    assert timedelta(seconds=spec["terminationGracePeriodSeconds"]) > config.service.grace


def test_every_variable_and_secret_that_the_configuration_names_is_given(
    overlay: tuple[Manifest, ...],
) -> None:
    spec = one(overlay, "Deployment")["spec"]["template"]["spec"]
    text = (DEPLOY / "base" / "config.yaml").read_text(encoding="utf-8")
    given = {variable["name"] for container in spec["containers"] for variable in container["env"]}
    mounts = {mount["mountPath"] for container in spec["containers"] for mount in container["volumeMounts"]}

    named = [part.split("}")[0] for part in text.split("${")[1:]]
    variables = {reference.removeprefix("env:") for reference in named if reference.startswith("env:")}
    files = {Path(reference.removeprefix("file:")) for reference in named if reference.startswith("file:")}
    assert variables == given
    assert files
    assert {str(path.parent) for path in files} <= mounts


def test_the_mapping_in_the_map_is_the_shipped_one() -> None:
    shipped = DEPLOY.parents[1] / "mappings" / "invoice-salesforce.yaml"

    assert (DEPLOY / "base" / "mappings" / shipped.name).read_bytes() == shipped.read_bytes()
