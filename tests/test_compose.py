"""compose.yaml restricts every container, and no secret has a default."""

import re

import pytest
import yaml
from django.conf import settings

PATH = settings.BASE_DIR / "compose.yaml"
SERVICES = yaml.safe_load(PATH.read_text())["services"]

each_service = pytest.mark.parametrize("name", sorted(SERVICES))


def test_all_services_are_found():
    assert {*SERVICES} == {"migrate", "web", "worker", "db", "cache"}


@each_service
def test_container_has_no_unneeded_privileges(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]


@each_service
def test_container_has_limits(name):
    service = SERVICES[name]
    assert re.fullmatch(r"\d+[mg]", service["mem_limit"])
    assert 0 < service["pids_limit"] <= 500
    for mount in service["tmpfs"]:
        assert re.search(r":(.*,)?size=\d+m", mount), mount


@each_service
def test_image_has_an_exact_version(name):
    image = SERVICES[name]["image"]
    assert re.search(r"(:\d+\.\d+(\.\d+)?[\w.-]*|@sha256:[0-9a-f]{64})$", image), image


@each_service
def test_services_restart_and_have_health_checks(name):
    service = SERVICES[name]
    runs_on = service["restart"] == "unless-stopped"
    has_its_own = name in ("migrate", "web", "worker")  # in the image, or disabled
    assert runs_on != (name == "migrate")
    assert has_its_own or {"test", "interval", "timeout", "retries"} <= {*service["healthcheck"]}


def test_no_secret_has_a_default():
    text = PATH.read_text()
    secret = r"\$\{(\w*(?:PASSWORD|SECRET|TOKEN)\w*)([^}]*)\}"
    found = re.findall(secret, text)
    assert {name for name, _rest in found} == {
        "ALLIES_SECRET_KEY",
        "POSTGRES_PASSWORD",
        "CACHE_PASSWORD",
    }
    for name, rest in found:
        assert rest.startswith(":?"), name
    # Every password in a URL is one of these variables.
    assert re.findall(r"://\w*:(?!\$\{)", text) == []


def test_only_the_web_server_has_a_port_on_localhost():
    reached = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert reached == {"web": ["127.0.0.1:8000:8000"]}


def test_dockerfile_uses_exact_versions_and_has_no_secret():
    text = (settings.BASE_DIR / "Dockerfile").read_text()
    images = re.findall(r"^FROM (\S+)", text, re.M)
    assert images
    assert all(re.search(r":\d+\.\d+\.\d+", image) for image in images)
    assert "SECRET_KEY" not in text
