"""The manifests are valid, start what exists, and give nobody more than is needed."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
from ruamel.yaml import YAML

from vigil.config.settings import Settings, load_settings

FOLDER: Final = Path(__file__).parents[2] / "deploy" / "kubernetes"
EXAMPLE: Final = FOLDER / "example"
VERSION: Final = "1.32"
"""The oldest Kubernetes that the manifests are for."""

PATCHES: Final = ("kustomization.yaml", "every-pod.yaml", "every-api.yaml", "every-worker.yaml")
JOBS: Final = ["make-current", "setup"]
API: Final = ["api-backend", "api-callbacks"]
CODEC: Final = "codec"
WORKERS: Final = [
    "worker-artifacts",
    "worker-messages",
    "worker-notifications",
    "worker-providers",
    "worker-verifications",
]
SECRETS: Final = {
    "VIGIL_DIGEST_KEY": "tzTE6iGeCVVbqkGSOZr5OIOQMGnSMROdQ3iUVBLGKHw=",
    "VIGIL_KEY_CHECKOUT": "pNOtI31HQpDtzjmbkbNoyLJ3Wh2hXIhR5rkvUWUAvSU=",
    "VIGIL_HOOK_CHECKOUT": "whsec_cZeR7C3HxOUE1GmBAYPTSJC6rYEFDpoc9F3PPUzDnW8=",
    "ID360_PASSWORD": "any",
    "ID360_AUTHORIZATION": "Bearer KTdnK7M5XPh1mwmrEnYDbd3ZBEDwU5RjDRkVNyXKcDA",
}


def documents(path: Path) -> list[dict[str, Any]]:
    return [found for found in YAML(typ="safe").load_all(path) if found]


RESOURCES: Final = {
    (found["kind"], found["metadata"]["name"]): found
    for path in sorted(FOLDER.glob("*/*.yaml"))
    if path.name not in PATCHES
    for found in documents(path)
}
OF_POD, OF_API, OF_WORKER = (documents(FOLDER / "base" / f"every-{of}.yaml")[0] for of in ("pod", "api", "worker"))


def merged(under: Any, over: Any) -> Any:
    """Return what kustomize makes of two of our values, where lists with names are merged by them."""
    if isinstance(under, dict) and isinstance(over, dict):
        return under | {key: merged(under[key], value) if key in under else value for key, value in over.items()}
    if isinstance(under, list) and isinstance(over, list) and all("name" in item for item in [*under, *over]):
        named = {item["name"]: item for item in under}
        for item in over:
            named[item["name"]] = merged(named.get(item["name"], {}), item)
        return list(named.values())
    return over


def pod(name: str) -> dict[str, Any]:
    whole = OF_POD if name in (CODEC, *JOBS) else merged(OF_POD, OF_API if name in API else OF_WORKER)
    found = RESOURCES["Job" if name in JOBS else "Deployment", name]
    spec: dict[str, Any] = merged(whole, found)["spec"]["template"]["spec"]
    return spec


def container(name: str) -> dict[str, Any]:
    [only] = pod(name)["containers"]
    return dict(only)


def settings(name: str) -> Settings:
    """Return the settings that the process of a pod reads."""
    environ = {given["name"]: given["value"] for given in container(name)["env"]} | SECRETS
    assert environ["VIGIL_CONFIG"] == "/etc/vigil/vigil.toml"
    return load_settings(EXAMPLE / "vigil.toml", environ=environ)


def validate(path: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("kubernetes-validate")
    return subprocess.run([program, "--strict", "-k", VERSION, path], capture_output=True, text=True, check=False)


def build() -> str:
    """Return what kustomize makes of the example; skip the test where there is neither kubectl nor kustomize."""
    for program, verb in (("kubectl", "kustomize"), ("kustomize", "build")):
        if shutil.which(program):
            return subprocess.run([program, verb, EXAMPLE], capture_output=True, text=True, check=True).stdout
    pytest.skip("neither kubectl nor kustomize is installed")


def test_there_are_the_deployments_that_this_file_looks_at() -> None:
    assert sorted(name for kind, name in RESOURCES if kind == "Deployment") == sorted([*API, CODEC, *WORKERS])


def test_every_file_is_built_into_the_example() -> None:
    named = {FOLDER / "base" / patch for patch in PATCHES}
    for folder in ("base", "example"):
        [customization] = documents(FOLDER / folder / "kustomization.yaml")
        named |= {FOLDER / folder / name for name in ["kustomization.yaml", *customization["resources"]]}

    assert set(FOLDER.glob("*/*.yaml")) == {path for path in named if path.is_file()}


def whole() -> list[dict[str, Any]]:
    """Return all resources, with their pods merged."""
    found = [dict(resource) for resource in RESOURCES.values()]
    for resource in found:
        if resource["kind"] in {"Deployment", "Job"}:
            template = resource["spec"]["template"] | {"spec": pod(resource["metadata"]["name"])}
            resource["spec"] = resource["spec"] | {"template": template}
    return found


def test_the_manifests_are_valid(tmp_path: Path) -> None:
    path = tmp_path / "whole.yaml"
    YAML(typ="safe").dump_all(whole(), path)

    validated = validate(path)

    assert validated.returncode == 0, validated.stdout
    assert validated.stdout.count("passed for resource") == len(RESOURCES) == 32


@pytest.mark.parametrize(
    ("right", "wrong", "noticed"),
    [
        ("replicas", "replica", "'replica' was unexpected"),
        ("minAvailable", "atLeast", "'atLeast' was unexpected"),
    ],
)
def test_a_field_that_kubernetes_does_not_know_is_noticed(tmp_path: Path, right: str, wrong: str, noticed: str) -> None:
    broken = tmp_path / "workers.yaml"
    broken.write_text((FOLDER / "base" / "workers.yaml").read_text().replace(f"{right}:", f"{wrong}:", 1))

    assert noticed in validate(broken).stdout


def test_what_kustomize_builds_is_valid(tmp_path: Path) -> None:
    built = tmp_path / "built.yaml"
    built.write_text(build())

    assert validate(built).returncode == 0


def test_what_this_file_merges_is_what_kustomize_builds() -> None:
    built = {
        found["metadata"]["name"]: found["spec"]["template"]["spec"]["containers"][0]
        for found in YAML(typ="safe").load_all(build())
        if found["kind"] in {"Deployment", "Job"}
    }

    assert sorted(built) == sorted([*API, CODEC, *JOBS, *WORKERS])
    for name, there in built.items():
        here = container(name) | {"image": "images.example.com/vigil:0.1.0"}
        assert {given["name"]: given for given in here.pop("env")} == {
            given["name"]: given for given in there.pop("env")
        }
        assert here == there


def test_a_job_makes_the_build_of_its_image_current_when_it_is_asked_and_not_before() -> None:
    assert RESOURCES["Job", "make-current"]["spec"]["suspend"] is True
    assert container("make-current")["command"] == ["sh", "-c", 'exec vigil deploy current "$VIGIL_BUILD"']


def test_each_part_of_the_worker_has_one_deployment() -> None:
    served = [container(name)["args"] for name in WORKERS]

    assert [container(name)["command"] for name in WORKERS] == [["python", "worker.py"]] * 5
    assert served == [
        ["--serve", "artifacts"],
        ["--serve", "messages"],
        ["--serve", "notifications"],
        ["--serve", "providers"],
        ["--serve", "verifications"],
    ]


def test_the_face_for_backends_and_the_face_for_callbacks_are_two_deployments() -> None:
    assert settings("api-callbacks").api.faces == ("callbacks",)
    assert settings("api-backend").api.faces == ("backend",)


@pytest.mark.parametrize("name", API + WORKERS)
def test_probes_and_prometheus_ask_where_the_process_listens(name: str) -> None:
    own, asked = container(name), settings(name)
    ports = {port["name"]: port["containerPort"] for port in own["ports"]}
    addresses = (asked.api.metrics_address, asked.worker.metrics_address, asked.worker.health_address)

    if name in API:
        assert ports == {"http": 8000, "metrics": 9465}
        assert addresses == ("0.0.0.0:9465", None, None)
        assert own["command"] == ["vigil", "serve", "api", "--host=0.0.0.0", "--port=8000"]
    else:
        assert ports == {"metrics": 9464, "health": 9466}
        assert addresses == (None, "0.0.0.0:9464", "0.0.0.0:9466")
    assert [own[probe]["httpGet"]["path"] for probe in ("startupProbe", "livenessProbe")] == ["/health/live"] * 2
    assert {own[f"{kind}Probe"]["httpGet"]["port"] for kind in ("startup", "liveness", "readiness")} == {
        "metrics" if name in API else "health"
    }


def test_only_the_face_for_callbacks_stays_reachable_while_temporal_is_away() -> None:
    live = [name for name in API + WORKERS if container(name)["readinessProbe"]["httpGet"]["path"] == "/health/live"]

    assert live == ["api-callbacks"]


@pytest.mark.parametrize("name", [*API, CODEC, *JOBS, *WORKERS])
def test_a_pod_has_no_rights_and_writes_nothing_but_temporary_files(name: str) -> None:
    spec, own = pod(name), container(name)

    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] == 10002
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert own["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert [mount["mountPath"] for mount in own["volumeMounts"]] == ["/etc/vigil", "/etc/vigil-keys", "/tmp"]
    assert own["resources"]["limits"].keys() == {"memory"}


@pytest.mark.parametrize("name", API + WORKERS)
def test_one_pod_stays_while_nodes_are_emptied_and_releases_roll(name: str) -> None:
    deployment, budget = RESOURCES["Deployment", name]["spec"], RESOURCES["PodDisruptionBudget", name]["spec"]

    assert deployment["replicas"] == 2
    assert deployment["selector"] == budget["selector"] == {"matchLabels": {"app.kubernetes.io/name": name}}
    assert deployment["template"]["metadata"]["labels"]["app.kubernetes.io/name"] == name
    assert budget["minAvailable"] == 1


def test_a_pod_is_killed_later_than_its_process_ends_by_itself() -> None:
    assert {pod(name)["terminationGracePeriodSeconds"] for name in WORKERS} == {35}
    assert {pod(name)["terminationGracePeriodSeconds"] for name in API} == {45}


def policies(direction: str) -> dict[str, dict[str, Any]]:
    found = {name: resource["spec"] for (kind, name), resource in RESOURCES.items() if kind == "NetworkPolicy"}
    return {name: spec for name, spec in found.items() if direction in spec["policyTypes"]}


def test_by_default_nobody_speaks_to_our_pods_and_they_speak_to_nobody() -> None:
    nothing = RESOURCES["NetworkPolicy", "vigil-nothing"]["spec"]

    assert nothing == {
        "podSelector": {"matchLabels": {"app.kubernetes.io/part-of": "vigil"}},
        "policyTypes": ["Ingress", "Egress"],
    }


def test_the_callbacks_and_the_decisions_have_no_way_to_the_internet() -> None:
    anywhere = {
        name: spec["podSelector"]
        for name, spec in policies("Egress").items()
        if any(to.get("ipBlock", {}).get("cidr") == "0.0.0.0/0" for rule in spec.get("egress", ()) for to in rule["to"])
    }

    assert anywhere == {
        "vigil-internet": {
            "matchExpressions": [
                {
                    "key": "app.kubernetes.io/name",
                    "operator": "In",
                    "values": [
                        "api-backend",
                        "codec",
                        "worker-providers",
                        "worker-messages",
                        "worker-artifacts",
                        "worker-notifications",
                    ],
                }
            ]
        },
        "vigil-mail": {"matchLabels": {"app.kubernetes.io/name": "worker-messages"}},
    }


def test_the_internet_reaches_nothing_but_the_callbacks() -> None:
    open_to_all = [ways["spec"] for ways in ingresses() if ways["spec"]["ingressClassName"] == "example"]

    assert [path for ways in open_to_all for rule in ways["rules"] for path in rule["http"]["paths"]] == [
        {
            "path": "/callbacks/",
            "pathType": "Prefix",
            "backend": {"service": {"name": "api-callbacks", "port": {"name": "http"}}},
        }
    ]
    assert all("ipBlock" not in who for spec in policies("Ingress").values() for who in sources(spec))


def ingresses() -> list[dict[str, Any]]:
    return [found for (kind, _), found in RESOURCES.items() if kind == "Ingress"]


def test_the_codec_server_takes_requests_to_decode_alone_from_a_proxy_of_its_own() -> None:
    [ways] = [ways["spec"] for ways in ingresses() if ways["metadata"]["name"] == CODEC]
    [policy] = [spec for spec in policies("Ingress").values() if "codec" in str(spec["podSelector"])]
    [proxy] = sources(RESOURCES["NetworkPolicy", "vigil-proxy"]["spec"])

    assert ways["ingressClassName"] == "example-internal"
    assert [path["path"] for rule in ways["rules"] for path in rule["http"]["paths"]] == ["/decode"]
    assert proxy not in sources(policy)
    assert policy["ingress"][0]["ports"] == [{"protocol": "TCP", "port": 8234}]


def test_the_codec_server_listens_where_it_is_asked_and_is_given_no_key_of_receipts() -> None:
    own, asked = container(CODEC), settings(CODEC).codec
    [keys] = [
        volume["secret"]["items"] for volume in RESOURCES["Deployment", CODEC]["spec"]["template"]["spec"]["volumes"]
    ]

    assert own["command"] == ["vigil", "serve", "codec"]
    assert asked is not None
    assert (asked.host, own["ports"]) == ("0.0.0.0", [{"name": "http", "containerPort": asked.port}])
    assert {item["key"] for item in keys} == {"data-keys.json", "marks.json", "payloads.json"}


def test_the_codec_server_runs_where_the_installation_says_so_alone() -> None:
    [customization] = documents(EXAMPLE / "kustomization.yaml")

    assert customization["replicas"] == [{"name": CODEC, "count": 0}]


def sources(policy: dict[str, Any]) -> list[dict[str, Any]]:
    return [who for rule in policy.get("ingress", ()) for who in rule["from"]]
