"""compose.yaml: what every container is denied, and that no secret has a default."""

import re

import pytest
import yaml
from django.conf import settings

pytestmark = pytest.mark.sqlite_only

PATH = settings.BASE_DIR / "compose.yaml"
SERVICES = yaml.safe_load(PATH.read_text())["services"]

each_service = pytest.mark.parametrize("name", sorted(SERVICES))


def test_the_walk_finds_the_services():
    assert {*SERVICES} == {"migrate", "web", "worker", "db", "cache"}


@each_service
def test_a_container_has_no_right_it_does_not_need(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]


@each_service
def test_a_container_has_limits(name):
    service = SERVICES[name]
    assert re.fullmatch(r"\d+[mg]", service["mem_limit"])
    assert 0 < service["pids_limit"] <= 500
    for mount in service["tmpfs"]:
        assert re.search(r":(.*,)?size=\d+m", mount), mount


@each_service
def test_an_image_is_an_exact_version(name):
    image = SERVICES[name]["image"]
    assert re.search(r"(:\d+\.\d+(\.\d+)?[\w.-]*|@sha256:[0-9a-f]{64})$", image), image


@each_service
def test_what_runs_on_is_looked_after(name):
    service = SERVICES[name]
    runs_on = service["restart"] == "unless-stopped"
    has_its_own = name in ("migrate", "web", "worker")  # the image's, or said to have none
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
    # Every password in an address is one of these.
    assert re.findall(r"://\w*:(?!\$\{)", text) == []


def test_only_the_web_server_can_be_reached_and_from_this_machine():
    reached = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert reached == {"web": ["127.0.0.1:8000:8000"]}


def test_the_image_starts_from_exact_versions_and_holds_no_secret():
    text = (settings.BASE_DIR / "Dockerfile").read_text()
    images = re.findall(r"^FROM (\S+)", text, re.M)
    assert images
    assert all(re.search(r":\d+\.\d+\.\d+", image) for image in images)
    assert "SECRET_KEY" not in text
