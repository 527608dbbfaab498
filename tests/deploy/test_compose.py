"""The Compose files, what nginx is told and what they name: valid, and nothing in them that is not there."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import postgres
import pytest
import sqlalchemy as sa
import yaml
from deployed import DEPLOY, tool
from made import ROOT

from mnistlab.feedback.store import Store

ENVIRONMENTS = ["development", "staging", "production"]
FILES = ["base", *ENVIRONMENTS]
# deploy/stack sets these.
BY_STACK = {"ENVIRONMENT", "BLUE", "GREEN", "LIVE"}


def text_of(name: str) -> str:
    return (DEPLOY / "compose" / f"{name}.yml").read_text()


def read(name: str) -> dict:
    return yaml.safe_load(text_of(name))


def schema_refuses(paths: list[Path]) -> set[str]:
    """Names of the files that do not fit the schema of Compose."""
    command = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        "vendor.compose-spec",
        "--output-format",
        "json",
    ]
    done = subprocess.run([*command, *map(str, paths)], capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    return {Path(each["filename"]).stem for each in json.loads(done.stdout).get("errors", [])}


def merged(name: str) -> dict[str, dict]:
    """The services of an environment as Compose merges them, as far as these tests look."""
    services = {each: dict(values) for each, values in read("base")["services"].items()}
    for each, more in read(name)["services"].items():
        for key, value in more.items():
            old = services[each].get(key)
            if isinstance(old, list):
                value = [*old, *value] if key in ("ports", "volumes", "secrets") else value
            services[each][key] = {**old, **value} if isinstance(old, dict) else value
    return services


def test_every_file_fits_the_schema_and_a_broken_one_does_not(tmp_path):
    assert schema_refuses([DEPLOY / "compose" / f"{name}.yml" for name in FILES]) == set()
    broken = [tmp_path / f"{name}.yml" for name in FILES]
    for path in broken:
        path.write_text(text_of(path.stem).replace("services:", "servises:"))
    assert schema_refuses(broken) == set(FILES)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_an_environment_changes_only_services_that_there_are(name):
    assert set(read(name)["services"]) <= set(read("base")["services"])


@pytest.mark.parametrize("name", FILES)
def test_every_variable_is_told_in_the_example_with_the_same_value(name):
    example = (DEPLOY / ".env.example").read_text()
    for variable, default in re.findall(r"(?<!\$)\$\{(\w+)(?::[-?]([^}]*))?\}", text_of(name)):
        if variable in BY_STACK:
            continue
        found = re.search(rf"^(# )?{variable}=(.*)$", example, re.MULTILINE)
        assert found, f".env.example lacks {variable}"
        if found[1]:  # commented out: the value that stands there is the default
            assert found[2] == default, variable


def test_every_variable_of_the_example_is_read():
    read_by = "".join(map(text_of, FILES))
    for variable in re.findall(r"^(?:# )?([A-Z_]+)=", (DEPLOY / ".env.example").read_text(), re.MULTILINE):
        assert f"${{{variable}" in read_by, variable


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_file_that_is_mounted_or_built_from_is_there(name):
    for service, values in merged(name).items():
        for volume in values.get("volumes", []):
            source = volume.partition(":")[0]
            if source.startswith("."):  # deploy/stack makes run/
                assert source.startswith("./run/") or (DEPLOY / source).exists(), f"{service}: {source}"
            else:
                assert source in read("base")["volumes"], f"{service}: {source}"
        if "build" in values:
            assert (DEPLOY / values["build"]["context"] / values["build"]["dockerfile"]).is_file()


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_secret_is_made_by_make_or_named_in_the_readme(name):
    declared = {**read("base")["secrets"], **read(name).get("secrets", {})}
    used = {secret for values in merged(name).values() for secret in values.get("secrets", [])}
    assert used == set(declared)
    told = (DEPLOY / "Makefile").read_text() + (DEPLOY / "README.md").read_text()
    for secret, values in declared.items():
        assert values["file"] == f"${{SECRETS:-./secrets}}/{secret}"
        assert f"secrets/{secret}" in told, secret


def test_what_prometheus_and_alertmanager_are_told_is_where_compose_puts_it():
    services = read("base")["services"]
    asked = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    job = next(each for each in asked["scrape_configs"] if each["job_name"] == "mnistlab")
    assert job["authorization"]["credentials_file"] == "/run/secrets/mnistlab_token"
    assert "mnistlab_token" in services["prometheus"]["secrets"]
    (found,) = job["dns_sd_configs"]
    assert (found["names"], found["port"]) == (["api"], 8000)
    for colour in ("blue", "green"):
        assert services[f"api-{colour}"]["networks"]["monitoring"]["aliases"] == ["api"]
    assert "EXPOSE 8000" in (DEPLOY / "Dockerfile").read_text()
    alerting = asked["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"]
    assert alerting == ["alertmanager:9093"]
    assert "/run/secrets/alert_webhook" in (DEPLOY / "prometheus" / "alertmanager.yml").read_text()
    provider = yaml.safe_load((DEPLOY / "grafana" / "provisioning" / "dashboards" / "mnistlab.yml").read_text())
    folder = provider["providers"][0]["options"]["path"]
    assert f"./grafana/dashboards:{folder}:ro" in services["grafana"]["volumes"]
    for rules in asked["rule_files"]:
        assert (DEPLOY / "prometheus" / rules).is_file()


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_whoever_waits_for_another_waits_for_what_that_can_become(name):
    services = merged(name)
    for service, values in services.items():
        for other, how in values.get("depends_on", {}).items():
            condition = how["condition"]
            awaited = services[other]
            if condition == "service_completed_successfully":
                assert awaited["restart"] == "no", f"{service} would wait for ever for {other}"
            else:
                assert condition == "service_healthy"
                image = "HEALTHCHECK" in (DEPLOY / "Dockerfile").read_text() and "/mnistlab:" in awaited["image"]
                assert "healthcheck" in awaited or image, f"{service} waits for {other}, which has no health check"
            shared = set(values.get("networks", [])) & set(awaited.get("networks", []))
            assert shared or condition == "service_completed_successfully" or service == "grafana"


def test_production_is_confined_limited_and_starts_again():
    services = merged("production")
    for name, values in services.items():
        once = values.get("restart") == "no"
        assert once or values["restart"] == "unless-stopped", name
        assert once or {"cpus", "memory"} <= set(values["deploy"]["resources"]["limits"]), name
        assert values["logging"]["options"]["max-size"], name
        assert values["security_opt"] == ["no-new-privileges:true"], name
        if name != "postgres":  # which changes its user at the start
            assert values["read_only"], name
            assert values["cap_drop"] == ["ALL"], name
    assert services["api-blue"]["deploy"]["replicas"] == services["api-green"]["deploy"]["replicas"] == 2
    open_to_all = [port for values in services.values() for port in values.get("ports", []) if "127.0.0.1" not in port]
    assert open_to_all == ["${REDIRECT_PORT:-80}:8080", "${HTTPS_PORT:-443}:8443"]


# --- nginx ------------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(tool("nginx") is None, reason="nginx is not here to read its configuration (apt-get install nginx)")
@pytest.mark.parametrize("name", ["local", "compose", "production"])
def test_nginx_takes_its_configuration(name, tmp_path):
    folder, run = tmp_path / "nginx", tmp_path / "run" / "local"
    (run / "tmp").mkdir(parents=True)
    folder.mkdir()
    if name == "production":
        names = ["-keyout", tmp_path / "tls_key", "-out", tmp_path / "tls_certificate"]
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", *names]
        subprocess.run(command, check=True, capture_output=True)
    for path in (DEPLOY / "nginx").glob("*.conf"):
        text = path.read_text().replace("/run/secrets/", f"{tmp_path}/").replace("/srv/run/", f"{run}/")
        text = text.replace("/tmp/nginx.pid", str(tmp_path / "nginx.pid"))
        text = re.sub(r"_temp_path /tmp/", f"_temp_path {tmp_path}/", text)
        # Debian's nginx, 1.22, is older than the image's, and would take the ports, which may be in use.
        text = text.replace("http2 on;", "").replace("listen 8443 ssl;", "listen 8443 ssl http2;")
        text = re.sub(r"listen (?:127\.0\.0\.1:)?(\d+)", rf"listen unix:{tmp_path}/\1", text)
        (folder / path.name).write_text(text)
    (run / "upstream.conf").write_text((DEPLOY / "nginx" / "upstream.none.conf").read_text())
    command = [tool("nginx"), "-t", "-q", "-e", "stderr", "-p", str(run), "-c", str(folder / f"{name}.conf")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["local", "compose", "production"])
def test_no_worker_outlives_the_watch_of_a_switch(name):
    """Else the old colour would be ended while an old worker of nginx still asks it."""
    (seconds,) = re.findall(
        r"^worker_shutdown_timeout (\d+)s;", (DEPLOY / "nginx" / f"{name}.conf").read_text(), re.MULTILINE
    )
    for path in (DEPLOY / "environments").glob("*.toml"):
        assert tomllib.loads(path.read_text())["watch_seconds"] > int(seconds), path.name


@pytest.mark.parametrize("path", sorted((DEPLOY / "environments").glob("*.toml")), ids=lambda path: path.stem)
def test_an_environment_of_the_switch_names_programs_containers_and_ports_that_there_are(path):
    found = tomllib.loads(path.read_text())
    for command in (found["start"], found["stop"], found["reload"]):
        for program in re.findall(r"(?<!\S)\./(\S+)", command):
            assert (DEPLOY / program).is_file(), program
        for conf in re.findall(r"/srv/nginx/(\S+\.conf)", command):
            assert (DEPLOY / "nginx" / conf).is_file()
    if path.stem == "local":
        assert "listen 127.0.0.1:8081;" in (DEPLOY / "nginx" / "local.conf").read_text()
        return
    nginx = merged(path.stem)["nginx"]
    inside = (DEPLOY / "nginx" / "compose.http.conf").read_text()
    for address in (found["control"], *found["addresses"].values()):
        port = address.rpartition(":")[2]
        assert any(published.endswith(f":{port}") for published in nginx["ports"])
        assert f"listen {port};" in inside
    for colour, server in found["servers"].items():
        assert server.partition(":")[0] == f"api-{colour}"
        assert f"api-{colour}" in merged(path.stem)
    conf = nginx["command"][-1].rpartition("/")[2]
    assert f"-c /srv/nginx/{conf}" in found["reload"]


# --- the database -----------------------------------------------------------------------------------------------------


@pytest.mark.skipif(postgres.find() is None or tool("psql") is None, reason=postgres.HELP)
def test_the_job_makes_a_role_and_a_database_any_number_of_times(tmp_path, monkeypatch):
    (tmp_path / "database_admin_password").write_text("of-the-administrator\n")
    service = tmp_path / "database_service"
    service.write_text("[mnistlab]\npassword=it's $a \\password\n")
    with postgres.server(postgres.find()) as url:
        server = sa.make_url(url)
        environment = {
            "PATH": "/usr/bin:/bin",
            "PGHOST": server.host,
            "PGPORT": str(server.port),
            "PGUSER": server.username,
            "SECRETS_FOLDER": str(tmp_path),
        }
        for _ in range(2):
            command = ["sh", str(DEPLOY / "compose" / "database.sh")]
            done = subprocess.run(command, env=environment, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            assert "password" not in done.stdout + done.stderr
        # As the API does: the password comes from the service file.
        monkeypatch.setenv("PGSERVICE", "mnistlab")
        monkeypatch.setenv("PGSERVICEFILE", str(service))
        store = Store(f"postgresql://mnistlab@{server.host}:{server.port}/mnistlab")
        store.answers()
        administrator = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
        with administrator.connect() as connection:
            role = "SELECT rolsuper, rolcreatedb FROM pg_roles WHERE rolname = 'mnistlab'"
            assert connection.execute(sa.text(role)).one() == (False, False)
        administrator.dispose()


def test_the_database_job_reads_the_secrets_that_compose_gives_it():
    job = read("base")["services"]["database"]
    for secret in job["secrets"]:
        assert f"/{secret}" in (DEPLOY / "compose" / "database.sh").read_text()
    assert job["volumes"] == ["./compose/database.sh:/srv/database.sh:ro"]


def test_the_paths_of_the_stack_are_ignored_by_git():
    for path in ("deploy/run/local/release.env", "deploy/secrets/mnistlab_token", "deploy/.env"):
        assert subprocess.run(["git", "check-ignore", "-q", path], cwd=ROOT).returncode == 0, path
