"""`manage.py create_editor`: an account, its group, its password, and clear errors."""

import io

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command

from allies.management.commands import create_editor
from allies.models import RightsChange

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"


def run(*args):
    """Run the command; return what it printed."""
    printed = io.StringIO()
    call_command("create_editor", *args, stdout=printed, stderr=printed)
    return printed.getvalue()


@pytest.fixture
def terminal(monkeypatch):
    """Return a function that types these answers to the prompts for passwords."""

    def type_answers(*answers):
        typed = iter(answers)
        monkeypatch.setattr("sys.stdin.isatty", lambda: True)
        monkeypatch.setattr(create_editor, "getpass", lambda _prompt: next(typed))

    return type_answers


@pytest.mark.parametrize("group", ["Editors", "Reviewers", "Data managers"])
def test_generated_password_signs_in_and_is_printed_once(group, client):
    printed = run("ana", "--group", group, "--email", "ana@Example.org", "--generate-password")
    (password,) = [
        line.rpartition(" ")[2] for line in printed.splitlines() if line.startswith("Password")
    ]
    assert printed.count(password) == 1
    account = User.objects.get(username="ana")
    assert account.check_password(password)
    assert account.email == "ana@example.org"
    assert account.is_staff and account.is_active and not account.is_superuser
    assert [one.name for one in account.groups.all()] == [group]
    client.force_login(account)
    assert client.get("/en/admin/").status_code == 200


def test_account_is_in_the_permission_log():
    run("ana", "--group", "Editors", "--generate-password")
    changes = set(RightsChange.objects.filter(whom="ana").values_list("what", "given"))
    assert {("account", True), ("is_staff", True), ("Editors", True)} <= changes


def test_typed_password_is_asked_for_until_it_is_good(terminal):
    terminal(PASSWORD, "something else", "short", "short", PASSWORD, PASSWORD)
    printed = run("ana", "--group", "Editors")
    assert "The two passwords differ" in printed
    assert "too short" in printed
    assert PASSWORD not in printed
    assert User.objects.get(username="ana").check_password(PASSWORD)


def test_three_refused_passwords_create_nothing(terminal):
    terminal(*["short"] * 6)
    with pytest.raises(CommandError, match="No account was created"):
        run("ana", "--group", "Editors")
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("args", "error"),
    [
        (("ana", "--group", "Boss"), "no group “Boss”. Choose one of: Data managers, Editors"),
        (("Taken", "--group", "Editors"), "already an account .* changepassword"),
        (("a b", "--group", "Editors"), "username: Enter a valid username"),
        (("x" * 151, "--group", "Editors"), "username: .*150 characters"),
        (("", "--group", "Editors"), "username: .*blank"),
        (("ana", "--group", "Editors", "--email", "ana"), "email: Enter a valid email"),
        (("ana",), "--group"),
    ],
)
def test_wrong_arguments_are_named_and_create_nothing(args, error):
    User.objects.create_user("taken")
    with pytest.raises(CommandError, match=f"(?s){error}"):
        run(*args, "--generate-password")
    assert User.objects.count() == 1


def test_password_cannot_be_asked_for_without_a_terminal(monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    with pytest.raises(CommandError, match="--generate-password"):
        run("ana", "--group", "Editors")


def test_site_without_groups_is_told_to_migrate():
    Group.objects.all().delete()
    with pytest.raises(CommandError, match=r"manage\.py migrate"):
        run("ana", "--group", "Editors", "--generate-password")
