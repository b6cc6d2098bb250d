"""A changeset in the admin: visible to users with permission, and without effect until applied."""

import json
import re
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from allies.imports.progress import request_cancel
from allies.imports.report import Report
from allies.imports.runner import PlanOutdated, apply_plan
from allies.imports.shared_files import delete_note
from allies.imports.tasks import apply_changeset as apply_job
from allies.imports.tasks import check_file as check_job
from allies.imports.tasks import open_plan, reap_stale
from allies.imports.tasks import read_file as read_job
from allies.models import Alias, Alliance, Changeset, Country, Event, Mapping
from tests import factories
from tests.decompression_bombs import BOMBS
from tests.imports.files import command

pytestmark = pytest.mark.usefixtures("demo_data")

NAMES = b"country,name\nRUS,Rusija\nRusia,Orosz\n"


@pytest.fixture
def data_manager(data_manager):
    """A data manager who may also change countries and aliases, which are always public."""
    kept = Permission.objects.filter(codename__in=("change_alias", "change_country"))
    data_manager.user_permissions.add(*kept)
    return data_manager


@pytest.fixture
def desk(login_as, eager_tasks):
    return lambda user: Desk(login_as(user), eager_tasks)


class Desk:
    """The admin as one user sees it; background jobs run immediately."""

    def __init__(self, client, at_once):
        self.client = client
        self._at_once = at_once
        self.number = 0

    def upload(self, content, noun="aliases", name="file.csv"):
        file = SimpleUploadedFile(name, content, "text/csv")
        address = reverse("admin:allies_changeset_add")
        with self._at_once():
            page = self.client.post(address, {"file": file, "noun": noun})
        if page.status_code == 302:
            page = self.client.get(page.url)
        if found := re.search(r"/changeset/(\d+)/$", page.request["PATH_INFO"]):
            self.number = int(found[1])
        return page.content.decode()

    def address(self, view="one"):
        return reverse(f"admin:allies_changeset_{view}", args=[self.number])

    def see(self, **query):
        return self.client.get(self.address(), query).content.decode()

    def send(self, **data):
        """Press a button; return the resulting page."""
        with self._at_once():
            response = self.client.post(self.address(), data)
        if response.status_code == 302:
            response = self.client.get(response.url)
        if found := re.search(r"/changeset/(\d+)/$", response.request["PATH_INFO"]):
            self.number = int(found[1])
        return response.content.decode()

    def check(self, **fields):
        """Check the file with the suggested mapping, except for these fields."""
        return self.send(**{**form_of(self.see()), **fields, "check": "1"})

    @property
    def changeset(self):
        return Changeset.objects.with_undone().get(pk=self.number)


def as_mapping(constant, name='"m"'):
    """Return a JSON mapping that sets a field to this constant."""
    fields = f'{{"name": {{"column": "name"}}, "language": {{"constant": {constant}}}}}'
    return f'{{"name": {name}, "nouns": [{{"noun": "aliases", "fields": {fields}}}]}}'.encode()


def form_of(page):
    """Return what the form of the mapping page would send unchanged."""
    from html import unescape

    part = page.split(">Columns<")[1]
    data = {}
    for name, options in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', part, re.S):
        for attributes, text in re.findall(r"<option([^>]*)>([^<]*)", options):
            if "selected" in attributes:
                value = re.search(r'value="([^"]*)"', attributes)
                data.setdefault(unescape(name), []).append(unescape(value[1] if value else text))
    for attributes in re.findall(r"<input([^>]*)>", part):
        found = dict(re.findall(r'(\w[\w-]*)="([^"]*)"', attributes))
        if found.get("type") in ("text", "hidden") and "name" in found:
            data.setdefault(unescape(found["name"]), []).append(unescape(found.get("value", "")))
        elif found.get("type") == "checkbox" and "checked" in attributes:
            data.setdefault(unescape(found["name"]), []).append(unescape(found["value"]))
    return data


def test_file_is_mapped_previewed_applied_and_undone(data_manager, desk):
    own = desk(data_manager)
    page = own.upload(NAMES)
    assert "Rusija" in page  # its first rows
    page = own.check()
    assert not Alias.objects.filter(name="Rusija").exists()
    assert "<td>2</td>" in page
    own.send(apply="1", reason="For a list")
    version = Alias.objects.get(name="Rusija").history.get()
    assert (version.history_user, version.changeset_id) == (data_manager, own.number)
    applied = own.changeset
    assert (applied.state, applied.reason, applied.file_name) == (
        "applied",
        "For a list",
        "file.csv",
    )
    assert applied.counts == {"alias": {"rows": 2, "created": 2}}
    assert not applied.file
    assert "For a list" in own.see()
    page = own.send(undo="1")
    assert "2 would be deleted" in page
    own.send(apply="1")
    assert not Alias.objects.filter(name="Rusija").exists()
    assert own.changeset.undoes == applied


def test_refused_rows_are_shown_sent_as_csv_and_block_the_import(data_manager, desk):
    own = desk(data_manager)
    own.upload("country;name\nRUS;Rusija\nAtlantis;<b>x</b>\nAtlantis;=1\n".encode("utf-16"))
    page = own.check()
    assert "Atlantis" in page
    assert "<b>x</b>" not in page
    assert 'name="apply"' not in page
    response = own.client.get(own.address("refused"))
    lines = b"".join(response.streaming_content).decode().splitlines()
    assert lines[0] == "country,name,reason"
    assert lines[1].startswith("Atlantis,<b>x</b>,")
    assert lines[2].startswith("Atlantis,'=1,")
    assert own.client.post(own.address(), {"apply": "1"}).status_code == 403
    own.send(discard="1")
    assert not Changeset.objects.filter(file_name="file.csv").exists()


def test_corrected_refused_rows_can_be_imported(data_manager, desk):
    own = desk(data_manager)
    own.upload(b"country,name\nAtlantis,Rusija\n")
    own.check()
    refused = b"".join(own.client.get(own.address("refused")).streaming_content)
    own.upload(refused.replace(b"Atlantis,R", b"RUS,R"))
    own.check()
    own.send(apply="1")
    assert Alias.objects.get(name="Rusija").country.alpha3 == "RUS"


def test_decision_on_an_unknown_country_applies_to_all_its_rows(data_manager, desk):
    own = desk(data_manager)
    own.upload(b"country,name\nAtlantis,A\nRuritania,B\nRuritania,C\n")
    own.check()
    page = own.send(
        countries="1",
        text=["Ruritania", "Atlantis"],
        **{"is": ["Thailand", ""], "leave-1": "on", "alias-0": "on"},
    )
    assert (
        "Ruritania" not in page.split("Unknown countries")[-1].split("<form")[0]
        or 'name="apply"' in page
    )
    own.send(apply="1")
    names = Alias.objects.filter(country__alpha3="THA").values_list("name", flat=True)
    assert {"B", "C", "Ruritania"} <= set(names)
    assert own.changeset.counts["alias"]["left_out"] == 1
    assert own.changeset.mapping["countries"] == {"Ruritania": "THA", "Atlantis": ""}


def test_invalid_country_answer_is_refused(data_manager, desk):
    own = desk(data_manager)
    own.upload(b"country,name\nAtlantis,A\n")
    own.check()
    page = own.send(countries="1", text=["Atlantis"], **{"is": ["Nowhere"]})
    assert "Nowhere" in page
    assert own.changeset.mapping.get("countries") == {}


def test_changed_cells_are_shown_old_and_new(data_manager, desk):
    own = desk(data_manager)
    own.upload(b"country,name,language\nCHN,Tiongkok,ms\n")
    page = own.check()
    assert re.search(r"<del>id</del>.*<ins>ms</ins>", page)


def test_possible_duplicate_is_named(data_manager, desk):
    known = factories.event(("RUS", "host"), title_en="The great meeting")
    own = desk(data_manager)
    own.upload(b"slug,kind,title_en,date\nmeeting-2,visit,The great meeting,2020\n", "events")
    page = own.check()
    assert "May already exist" in page
    assert str(known) in own.see(show="likely")


def test_treaty_of_the_same_day_with_another_name_is_named(data_manager, desk):
    """One data set calls a date the day of signature, another the day of entry into force."""
    known = factories.alliance("RUS", "PRK", title_en="Treaty of Friendship", signed="1999-03-04")
    factories.alliance("RUS", "CHN", title_en="Pact of that year", signed="1999")
    own = desk(data_manager)
    rows = b"q:1,Entente of 1999,entente,1999-03-04\nq:2,Other,entente,1999\n"
    own.upload(b"identifier,title_en,kind,in_force\n" + rows, "alliances")
    own.check()
    page = own.see(show="likely")
    assert str(known) in page
    assert "Pact of that year" not in page


class TestChangesSincePreview:
    def test_changed_record_needs_a_new_preview(self, data_manager, desk):
        own = desk(data_manager)
        own.upload(b"country,name,language\nCHN,Tiongkok,ms\n")
        own.check()
        alias = Alias.objects.get(name="Tiongkok")
        alias.language = "zh"
        alias.save()
        page = own.send(apply="1")
        assert "have changed since the preview" in page
        assert Alias.objects.get(name="Tiongkok").language == "zh"
        assert re.search(r"<del>zh</del>.*<ins>ms</ins>", page)
        own.send(apply="1")
        assert Alias.objects.get(name="Tiongkok").language == "ms"

    def test_change_of_an_unrelated_record_does_not_matter(self, data_manager, desk):
        own = desk(data_manager)
        own.upload(NAMES)
        own.check()
        Alias.objects.create(country=factories.country("THA"), name="Land of smiles")
        own.send(apply="1")
        assert own.changeset.state == "applied"

    def test_changed_file_is_refused(self, data_manager, desk):
        own = desk(data_manager)
        own.upload(NAMES)
        own.check()
        with Path(own.changeset.file.path).open("ab") as file:
            file.write(b"RUS,Extra\n")
        assert "not the file that was uploaded" in own.send(apply="1")
        assert not Alias.objects.filter(name="Rusija").exists()

    def test_lost_permission_is_noticed(self, data_manager, desk, django_user_model):
        own = desk(data_manager)
        own.upload(NAMES)
        own.check()
        django_user_model.objects.filter(pk=data_manager.pk).update(is_active=True)
        data_manager.groups.clear()
        with own._at_once():
            assert own.client.post(own.address(), {"apply": "1"}).status_code == 403
        assert not Alias.objects.filter(name="Rusija").exists()

    def test_undo_without_a_user_changes_nothing(self, data_manager, desk, django_user_model):
        own = desk(data_manager)
        own.upload(NAMES)
        own.check()
        number = own.number
        own.send(apply="1")
        own.send(undo="1")
        Changeset.objects.filter(pk=own.number).update(state="applying", run="r", created_by=None)
        apply_job.func(own.number, "r", "en")
        assert Alias.objects.filter(name="Rusija").exists()
        assert "no longer has permission" in Changeset.objects.get(pk=own.number).message
        assert not Changeset.objects.with_undone().get(pk=number).is_undone


class TestPermissionsLostWhileWaiting:
    """A job checks the permissions of the user who started it when it writes."""

    LOSSES = {
        "deactivated": {"is_active": False},
        "not staff": {"is_staff": False},
        "no rights": {},
    }

    def lose(self, account, fields):
        for name, value in fields.items():
            setattr(account, name, value)
        account.save()
        if not fields:
            account.groups.clear()

    @pytest.mark.parametrize("how", LOSSES)
    def test_started_import_writes_nothing(self, how, data_manager, desk):
        own = desk(data_manager)
        own.upload(NAMES)
        own.check()
        Changeset.objects.filter(pk=own.number).update(state="applying", run="r")
        self.lose(data_manager, self.LOSSES[how])
        apply_job.func(own.number, "r", "en")
        assert not Alias.objects.filter(name="Rusija").exists()
        assert "no longer has permission" in Changeset.objects.get(pk=own.number).message

    @pytest.mark.parametrize("how", LOSSES)
    def test_started_undo_changes_nothing(self, how, data_manager, desk):
        own = desk(data_manager)
        own.upload(NAMES)
        own.check()
        own.send(apply="1")
        own.send(undo="1")
        Changeset.objects.filter(pk=own.number).update(state="applying", run="r")
        self.lose(data_manager, self.LOSSES[how])
        apply_job.func(own.number, "r", "en")
        assert Alias.objects.filter(name="Rusija").exists()
        assert "no longer has permission" in Changeset.objects.get(pk=own.number).message

    def test_lost_publish_permission_is_noticed(self, data_manager, desk):
        event = factories.event(("RUS", "host"), slug="public-visit")
        data_manager.groups.add(Group.objects.get(name="Reviewers"))
        own = desk(data_manager)
        rows = f"slug,title_en,kind,date\n{event.slug},Renamed,visit,2024-05\n"
        own.upload(rows.encode(), noun="events")
        own.check()
        assert own.changeset.counts["event"]["updated"] == 1
        data_manager.groups.remove(Group.objects.get(name="Reviewers"))
        page = own.send(apply="1")
        event.refresh_from_db()
        assert event.title_en != "Renamed"
        assert "Nothing was changed" in page
        assert own.changeset.counts["event"]["refused"] == 1

    def test_unrelated_permission_does_not_block_the_import(self, data_manager, desk):
        own = desk(data_manager)
        own.upload(NAMES)
        own.check()
        data_manager.user_permissions.add(Permission.objects.get(codename="view_user"))
        own.send(apply="1")
        assert Alias.objects.filter(name="Rusija").exists()

    def test_permission_lost_after_the_job_started_is_noticed_when_it_writes(
        self, data_manager, desk
    ):
        own = desk(data_manager)
        own.upload(NAMES)
        own.check()
        changeset = own.changeset
        assert changeset.created_by.has_perm("allies.import_alias")  # cached, as in a running job
        data_manager.groups.clear()
        with open_plan(changeset) as plan, pytest.raises(PlanOutdated):
            apply_plan(
                *(plan, changeset, [Report("aliases")]),
                state=changeset.data_state,
                user=changeset.created_by,
            )
        assert not Alias.objects.filter(name="Rusija").exists()


class TestCancelling:
    def test_cancelled_job_does_not_start(self, data_manager, desk):
        own = desk(data_manager)
        own.upload(NAMES)
        own.client.post(own.address(), {**form_of(own.see()), "check": "1"})
        assert own.changeset.state == "checking"
        run = own.changeset.run
        assert "Cancelled" in own.send(stop="1")
        check_job.func(own.number, run, "en")
        assert own.changeset.state == "uploaded"

    def test_running_job_stops_and_writes_nothing(self, data_manager, desk):
        own = desk(data_manager)
        own.upload(NAMES)
        own.check()
        changeset = own.changeset
        Changeset.objects.filter(pk=changeset.pk).update(state="applying", run="r")
        request_cancel(changeset)
        apply_job.func(changeset.pk, "r", "en")
        assert (own.changeset.state, own.changeset.message) == (
            "checked",
            "Cancelled. Nothing was changed.",
        )
        assert not Alias.objects.filter(name="Rusija").exists()
        own.send(apply="1")
        assert own.changeset.state == "applied"


class TestMapping:
    def test_mapping_is_corrected_saved_and_used_again(self, data_manager, desk):
        own = desk(data_manager)
        own.upload(b"Land;Wort\nRussland;Rusija\n")
        fields = {"0-country-from": "c:Land", "0-name-from": "c:Wort", "name": "German names"}
        own.send(**{**form_of(own.see()), **fields, "save": "1"})
        saved = Mapping.objects.get(name="German names").mapping
        assert saved["nouns"][0]["fields"]["name"]["column"] == "Wort"
        own.upload(b"Land;Wort\nRUS;Rusko\n")
        assert own.changeset.mapping["name"] == "German names"
        answer = own.client.get(own.address("mapping"))
        assert json.loads(answer.content)["nouns"] == saved["nouns"]

    def test_form_keeps_everything_it_can_express(self, data_manager, desk):
        own = desk(data_manager)
        own.upload(b"id;tag;y;m\n1;31/12/2024;2024;5\n", "memberships")
        said = {
            "0-alliance-from": "=text",
            "0-alliance-text": "x:{id}",
            "0-country-from": "=constant",
            "0-country-text": "RUS",
            "0-joined-from": "c:tag",
            "0-left-from": "=date",
            "0-left-year": "y",
            "0-left-month": "m",
            "0-left-nothing": "-9, 3000",
        }
        own.send(**{**form_of(own.see()), **said, "refresh": "1"})
        own.send(**{**form_of(own.see()), "0-joined-order": "dmy", "refresh": "1"})
        own.send(**{**form_of(own.see()), "refresh": "1"})
        assert own.changeset.mapping["nouns"][0]["fields"] == {
            "alliance": {"text": "x:{id}"},
            "country": {"constant": "RUS"},
            "joined": {"column": "tag", "order": "dmy"},
            "left": {"date": ["y", "m"], "nothing": ["-9", "3000"]},
        }

    def test_mapping_is_loaded_from_json(self, data_manager, desk):
        own = desk(data_manager)
        own.upload(b"Land;Wort\nRUS;Rusija\n")
        mapping = {
            "nouns": [
                {
                    "noun": "aliases",
                    "fields": {
                        "country": {"column": "Land", "country": "alpha3"},
                        "name": {"text": "{Wort}!"},
                    },
                }
            ]
        }
        file = SimpleUploadedFile("m.json", json.dumps(mapping).encode())
        own.send(load="1", json=file)
        own.check()
        own.send(apply="1")
        assert Alias.objects.filter(name="Rusija!").exists()

    @pytest.mark.parametrize(
        "content",
        [
            b"no json",
            b"[]",
            b'{"nouns": []}',
            b'{"nouns": [{"noun": "planets"}]}',
            as_mapping("NaN"),
            as_mapping("1e999"),
            as_mapping(r'"\ud83d"'),
            as_mapping(r'"a\u0000b"'),
            as_mapping('"x"', name=r'"\ude00"'),
            as_mapping("[" * 100_000 + "]" * 100_000),
            as_mapping("[" * 60 + "]" * 60),
            as_mapping("9" * 5_000),
            as_mapping('"x"') + b" " * (1 << 20),
            json.dumps({"nouns": [{"noun": "aliases", "fields": {}}] * 21}).encode(),
        ],
    )
    def test_invalid_json_mapping_is_refused(self, content, data_manager, desk):
        own = desk(data_manager)
        own.upload(NAMES)
        before = own.changeset.mapping
        page = own.send(load="1", json=SimpleUploadedFile("m.json", content))
        assert "errorlist" in page or 'class="error"' in page
        assert own.changeset.mapping == before
        assert "Columns" in own.see()

    def test_mapping_saved_by_another_user_is_not_replaced(self, data_manager, admin_user, desk):
        own, other = desk(data_manager), desk(admin_user)
        own.upload(NAMES)
        own.send(**{**form_of(own.see()), "name": "Yearly", "save": "1"})
        before = Mapping.objects.get(name="Yearly").mapping
        other.upload(b"land,name\nRUS,Rusija\n")
        page = other.send(**{**form_of(other.see()), "name": "Yearly", "save": "1"})
        assert "Someone else has saved a mapping under this name" in page
        saved = Mapping.objects.get(name="Yearly")
        assert (saved.mapping, saved.saved_by) == (before, data_manager)

    def test_header_of_refused_rows_contains_no_formula(self, data_manager, desk):
        own = desk(data_manager)
        own.upload(b"country,name,=1+1\nXXX,Rusija,a\n")
        own.check()
        content = own.client.get(own.address("refused")).getvalue().decode()
        assert "'=1+1" in content.splitlines()[0]
        own.upload(content.encode())
        assert own.changeset.file_format
        assert 'value="c:=1+1"' in own.see()

    def test_long_column_names_are_shortened_and_stay_distinct(self, data_manager, desk):
        own = desk(data_manager)
        page = own.upload(f"country,{'n' * 5000},{'n' * 5000}\nRUS,Rusija,x\n".encode())
        assert "n" * 200 not in page
        cut = f"c:{'n' * 199}…"
        own.check(**{"0-country-from": "c:country", "0-name-from": cut})
        own.send(apply="1")
        assert Alias.objects.filter(name="Rusija").exists()

    @pytest.mark.slow
    def test_too_many_columns_need_a_mapping_file(self, admin_user, desk):
        own = desk(admin_user)
        header = ",".join(f"column {number}" for number in range(490))
        row = ",".join(["RUS", "Rusija", *["x"] * 488])
        own.upload(f"{header}\n{row}\n".encode())
        fields = {"country": {"column": "column 0"}, "name": {"column": "column 1"}}
        part = {"noun": "aliases", "fields": fields}
        mapping = {"nouns": [part, *[{"noun": "events", "fields": {}}] * 9]}
        page = own.send(load="1", json=SimpleUploadedFile("m.json", json.dumps(mapping).encode()))
        assert "This file has 490 columns: too many to choose from" in page
        assert len(page) < 100_000
        own.send(check="1")
        assert own.changeset.mapping["nouns"][0]["fields"] == fields

    def test_row_creates_records_of_two_types(self, admin_user, desk):
        own = desk(admin_user)
        own.upload(b"id,title,state\nx:1,First pact,RUS\nx:1,First pact,CHN\n", "alliances")
        own.send(**{**form_of(own.see()), "add-noun": "memberships", "refresh": "1"})
        fields = {
            "0-identifier-from": "c:id",
            "0-title_en-from": "c:title",
            "0-kind-from": "=constant",
            "0-kind-text": "entente",
            "1-alliance-from": "c:id",
            "1-country-from": "c:state",
        }
        own.check(**fields)
        own.send(apply="1")
        pact = Alliance.objects.get(identifier="x:1")
        assert {m.country.alpha3 for m in pact.memberships.all()} == {"RUS", "CHN"}
        assert not pact.is_published

    def test_file_format_can_be_corrected(self, data_manager, desk):
        own = desk(data_manager)
        own.upload("country,name\nRUS,Ÿ–ž\n".encode("cp1252"))
        own.send(layout="1", encoding="mac_roman", delimiter=",", header_row="1")
        assert own.changeset.file_format["encoding"] == "mac_roman"
        own.send(layout="1", encoding="cp1252", delimiter=",", header_row="0")
        assert "Column A" in own.see()


class TestPermissions:
    def test_upload_of_another_user_is_not_accessible(
        self, data_manager, admin_user, desk, login_as
    ):
        own = desk(data_manager)
        own.upload(NAMES)
        other = login_as(admin_user)
        for view in ("one", "progress", "refused", "mapping"):
            assert other.get(own.address(view)).status_code == 403
        assert other.post(own.address(), {"check": "1"}).status_code == 403

    @pytest.mark.parametrize("who", ["editor", "reviewer"])
    def test_users_without_import_permission_cannot_upload(self, who, request, login_as):
        client = login_as(request.getfixturevalue(who))
        assert client.get(reverse("admin:allies_changeset_add")).status_code == 403

    def test_reviewer_sees_applied_changeset_but_cannot_undo_it(
        self, data_manager, reviewer, desk, login_as
    ):
        own = desk(data_manager)
        own.upload(NAMES)
        own.check()
        own.send(apply="1")
        client = login_as(reviewer)
        page = client.get(own.address())
        assert page.status_code == 200
        assert 'name="undo"' not in page.content.decode()
        assert client.post(own.address(), {"undo": "1"}).status_code == 403
        assert client.get(reverse("admin:allies_changeset_changelist")).status_code == 200

    @pytest.mark.parametrize(
        ("noun", "file"),
        [
            ("aliases", NAMES),
            ("countries", b"slug,alpha3,name_en\nrussia,RUS,Changed\n"),
            ("countries", b"slug,alpha3,name_en\nnewland,XQX,Newland\n"),
        ],
        ids=["new alias", "changed country", "new country"],
    )
    def test_import_of_always_public_records_needs_the_change_permission(
        self, data_manager, desk, noun, file
    ):
        data_manager.user_permissions.clear()
        own = desk(type(data_manager).objects.get(pk=data_manager.pk))
        own.upload(file, noun=noun)
        page = own.check()
        assert "always public, and you don’t have permission to change them" in page
        assert "Import everything as drafts" not in page
        assert sum(found["refused"] for found in own.changeset.counts.values()) > 0
        own.send(apply="1")
        assert not Alias.objects.filter(name="Rusija").exists()
        assert Country.objects.get(alpha3="RUS").name_en == "Russia"
        assert not Country.objects.filter(slug="newland").exists()

    def test_new_part_of_a_public_record_is_refused_without_advice_to_import_drafts(
        self, data_manager, desk
    ):
        event = factories.event(("RUS", "host"))
        own = desk(data_manager)
        own.upload(f"event,country,role\n{event.slug},IND,visitor\n".encode(), "participations")
        page = own.check()
        assert "is or would become public, and you don’t have permission to publish" in page
        assert "Import everything as drafts" not in page
        assert own.changeset.counts["participation"]["refused"] == 1

    def test_undo_on_always_public_records_needs_the_change_permission(self, data_manager, desk):
        own = desk(data_manager)
        own.upload(NAMES)
        own.check()
        own.send(apply="1")
        data_manager.user_permissions.clear()
        desk(type(data_manager).objects.get(pk=data_manager.pk))
        own.send(undo="1")
        own.send(undo="1")
        assert Alias.objects.filter(name="Rusija").exists()

    def test_import_permission_for_one_type_does_not_show_other_changesets(
        self, data_manager, desk, login_as
    ):
        own = desk(data_manager)
        own.upload(NAMES)
        own.check()
        own.send(apply="1")
        staff = User.objects.create_user("importer", password="x", is_staff=True)
        staff.user_permissions.add(Permission.objects.get(codename="import_citation"))
        client = login_as(staff)
        assert client.get(own.address()).status_code == 403
        page = client.get(reverse("admin:allies_changeset_changelist"))
        assert page.status_code == 200
        assert "file.csv" not in page.content.decode()

    @pytest.mark.parametrize(("digits", "number"), [("٣", 3), ("１", 1), ("9" * 30, 0)])
    def test_unicode_digits_in_the_address_are_accepted(
        self, data_manager, login_as, digits, number
    ):
        client = login_as(data_manager)
        change, one = "admin:allies_changeset_change", "admin:allies_changeset_one"
        expected = client.get(reverse(one, args=[number])).status_code
        found = client.get(reverse(change, args=[digits]), follow=True)
        assert found.status_code == expected

    def test_visitor_is_redirected_to_login(self, data_manager, desk, client):
        own = desk(data_manager)
        own.upload(NAMES)
        for view in ("one", "progress", "refused", "mapping"):
            assert "/login/" in client.get(own.address(view)).url

    def test_record_type_without_permission_cannot_be_added_to_the_mapping(
        self, data_manager, desk
    ):
        data_manager.groups.clear()
        data_manager.user_permissions.add(Permission.objects.get(codename="import_alias"))
        own = desk(type(data_manager).objects.get(pk=data_manager.pk))
        own.upload(NAMES)
        data = form_of(own.see())
        page = own.send(**{**data, "add-noun": "countries", "refresh": "1"})
        assert "You don’t have permission to import all of these record types." in page
        mapping = {"nouns": [{"noun": "countries", "fields": {"name_en": {"column": "name"}}}]}
        own.send(load="1", json=SimpleUploadedFile("m.json", json.dumps(mapping).encode()))
        assert [part["noun"] for part in own.changeset.mapping["nouns"]] == ["aliases"]

    @pytest.mark.slow
    def test_data_manager_imports_a_published_data_set_as_drafts(self, data_manager, desk, shared):
        Alliance.objects.update(identifier="")  # all 414 alliances are new
        own = desk(data_manager)
        cow = (shared / "data/cow/alliance_v4.1_by_member.csv").read_bytes()
        own.upload(cow, "alliances")
        assert "don’t have permission to publish" in own.check()
        own.send(back="1")
        own.send(**{**form_of(own.see()), "drafts": "1"})
        own.check()
        own.send(apply="1")
        assert own.changeset.state == "applied"
        assert Alliance.objects.filter(identifier__startswith="cow:", status="draft").count() == 414
        assert not own.changeset.listed

    def test_data_manager_cannot_publish(self, data_manager, desk):
        own = desk(data_manager)
        own.upload(b"slug,kind,title_en,date,status\ne-1,visit,E,2020,published\n", "events")
        page = own.check()
        assert "don’t have permission to publish" in page
        assert "choose “Import everything as drafts”" in page
        assert not Event.objects.filter(slug="e-1").exists()


class TestFiles:
    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"\x89PNG\r\n\x1a\n\x00\x00", "PNG"),
            (b"%PDF-1.7 ...", "PDF"),
            (b"", "empty"),
            (b"PK\x03\x04broken", "damaged"),
            (b"country,name\nRUS,\x00\x01\x00\x02x", "NUL"),
        ],
    )
    def test_file_without_a_table_is_refused_and_can_be_discarded(
        self, content, said, data_manager, desk
    ):
        own = desk(data_manager)
        page = own.upload(content)
        assert said in page
        assert 'name="check"' not in page
        if own.number:  # Django itself refuses an empty file
            folder = own.changeset.folder
            assert folder.exists()
            own.send(discard="1")
            assert not folder.exists()
        assert not Changeset.objects.filter(file_name="file.csv").exists()

    def test_file_that_exhausts_the_reader_is_refused_with_advice(
        self, data_manager, desk, tmp_path
    ):
        own = desk(data_manager)
        make, said = BOMBS["a row of ten million empty cells"]
        page = own.upload(make(tmp_path / "file").read_bytes(), name="a.xlsx")
        assert said in page
        assert own.changeset.state == "uploaded"
        assert 'name="check"' not in page
        # Other actions are refused too, as from a page opened earlier.
        assert own.changeset.message in own.send(check="1")
        own.send(discard="1")
        assert not Changeset.objects.filter(file_name="a.xlsx").exists()

    def test_page_shows_that_the_file_is_being_read_and_reloads(self, data_manager, desk):
        own = desk(data_manager)
        file = SimpleUploadedFile("file.csv", NAMES, "text/csv")
        add = reverse("admin:allies_changeset_add")
        page = own.client.post(add, {"file": file, "noun": "aliases"}, follow=True)
        own.number = Changeset.objects.latest("pk").pk
        text = page.content.decode()
        assert "Reading your file" in text
        assert 'http-equiv="refresh"' in text
        assert own.changeset.file_format == {}  # not read yet
        read_job.func(own.number, own.changeset.run, "en")
        assert "Rusija" in own.see()

    def test_cancelled_reading_can_be_started_again(self, data_manager, desk):
        own = desk(data_manager)
        file = SimpleUploadedFile("file.csv", NAMES, "text/csv")
        own.client.post(reverse("admin:allies_changeset_add"), {"file": file, "noun": "aliases"})
        own.number = Changeset.objects.latest("pk").pk
        assert "Cancelled" in own.send(stop="1")
        assert "Rusija" in own.send(read="1")
        assert own.changeset.message == ""

    def test_file_uploaded_before_samples_existed_is_read_when_opened(self, data_manager, desk):
        own = desk(data_manager)
        own.upload(NAMES)
        delete_note(own.changeset, "sample.json")
        mapping = own.changeset.mapping
        with own._at_once():
            own.see()
        assert "Rusija" in own.see()
        assert own.changeset.mapping == mapping

    def test_unreadable_sheet_can_be_replaced_by_another(self, data_manager, desk, tmp_path):
        import openpyxl

        book = openpyxl.Workbook()
        book.active.append(["country", "name"])
        book.active.append(["RUS", "Rusija"])
        book.create_sheet("bad")["A1"] = "x"
        book.save(tmp_path / "a.xlsx")
        own = desk(data_manager)
        own.upload((tmp_path / "a.xlsx").read_bytes(), name="a.xlsx")
        page = own.send(layout="1", sheet="bad", header_row="9")
        assert "no row 9" in page
        assert 'name="check"' not in page
        assert "Rusija" in own.send(layout="1", sheet="Sheet", header_row="1")

    def test_limits_apply_at_the_check_too(self, data_manager, desk, settings):
        own = desk(data_manager)
        own.upload(NAMES)
        settings.IMPORT_MAX_ROWS = 1
        assert "more than 1 rows" in own.check()
        assert own.changeset.state == "uploaded"

    def test_too_large_file_is_refused(self, data_manager, desk, settings):
        settings.IMPORT_MAX_BYTES = 10
        assert "the limit is" in desk(data_manager).upload(NAMES)
        assert not Changeset.objects.filter(file_name="file.csv").exists()

    def test_workbook_is_read(self, data_manager, desk, tmp_path):
        import openpyxl

        book = openpyxl.Workbook()
        book.active.append(["country", "name"])
        book.active.append(["RUS", "Rusija"])
        book.save(tmp_path / "a.xlsx")
        own = desk(data_manager)
        own.upload((tmp_path / "a.xlsx").read_bytes(), name="a.xlsx")
        own.check()
        own.send(apply="1")
        assert Alias.objects.filter(name="Rusija").exists()


def test_exported_file_imports_without_changes(data_manager, desk):
    own = desk(data_manager)
    own.upload(command("export_csv", "events").encode(), "events")
    own.check()
    count = Event.objects.count()
    assert own.changeset.counts == {"event": {"rows": count, "unchanged": count}}


@pytest.mark.slow
def test_readers_see_a_summary_of_applied_public_changes_only(data_manager, desk, client):
    own = desk(data_manager)
    own.upload(NAMES, name="names <x>.csv")
    assert "names &lt;x&gt;.csv" not in client.get("/en/changes/").content.decode()
    own.check()
    own.send(apply="1")
    page = client.get("/en/changes/").content.decode()
    assert "2 alternative names imported from names &lt;x&gt;.csv" in page
    own.upload(b"slug,kind,title_en,date\nsecret-1,visit,E,2020\n", "events", name="secret.csv")
    own.check()
    own.send(apply="1")
    assert own.changeset.state == "applied"
    for address in ("/en/changes/", "/id/changes/", "/en/changes.csv", "/en/changes.json"):
        answer = client.get(address)
        text = b"".join(answer) if answer.streaming else answer.content
        assert b"secret.csv" not in text


def test_reap_stale_leaves_waiting_changesets_alone(data_manager, desk):
    own = desk(data_manager)
    own.upload(NAMES)
    own.check()
    reap_stale()
    assert own.changeset.state == "checked"


class TestRealFiles:
    """Published data files, mapped with the form alone."""

    @pytest.mark.slow
    def test_organisations_and_members(self, data_manager, desk, shared):
        own = desk(data_manager)
        own.upload((shared / "data/igo/CountrycodesOrgs.csv").read_bytes(), "alliances")
        own.send(**{**form_of(own.see()), "add-noun": "memberships", "refresh": "1"})
        page = own.check(
            **{
                "0-identifier-from": "=text",
                "0-identifier-text": "igo:{org_id}",
                "0-kind-from": "=constant",
                "0-kind-text": "organisation",
                "0-title_en-from": "c:org_name",
                "1-alliance-from": "=text",
                "1-alliance-text": "igo:{org_id}",
                "1-country-from": "c:ISO_3166_3",
                "1-country-country": "alpha3",
                "1-role-from": "",
                "1-when": "org_member",
                "1-when-is": "member",
            }
        )
        while "Unknown countries" in page:
            texts = re.findall(r'name="text" value="([^"]*)"', page)
            leave = {f"leave-{place}": "on" for place in range(len(texts))}
            page = own.send(countries="1", text=texts, **{"is": [""] * len(texts)}, **leave)
        own.send(apply="1")
        assert own.changeset.state == "applied"
        organisations = Alliance.objects.filter(identifier__startswith="igo:")
        assert organisations.count() == 186
        nato = organisations.get(identifier="igo:NATO")
        assert nato.memberships.filter(country__alpha3="TUR").exists()
        assert not nato.memberships.filter(country__alpha3="MNE").exists()

    def test_countries_with_codes_can_change_only_names(self, data_manager, desk, shared):
        own = desk(data_manager)
        own.upload((shared / "data/countries/all.csv").read_bytes(), "countries")
        own.check(**{"0-only-new": "name_en"})
        counts = own.changeset.counts["country"]
        assert (counts["rows"], counts.get("created"), counts.get("refused")) == (249, None, None)

    def test_states_with_several_periods_are_one_country(self, data_manager, desk, shared):
        own = desk(data_manager)
        own.upload((shared / "data/cow/states2016.csv").read_bytes(), "countries")
        own.check(
            **{
                "0-existed_from-from": "",
                "0-existed_to-from": "",
                "0-alpha3-from": "",
                "0-only-new": "name_en",
            }
        )
        counts = own.changeset.counts["country"]
        assert (counts["rows"], counts["unchanged"], counts["repeated"]) == (243, 217, 26)


def test_upload_that_cannot_be_stored_is_reported_and_leaves_nothing(
    data_manager, desk, settings, tmp_path
):
    (tmp_path / "uploads").write_text("no folder")
    settings.MEDIA_ROOT = tmp_path / "uploads"
    before = Changeset.objects.count()
    page = desk(data_manager).upload(NAMES)
    assert "The file cannot be stored" in page
    assert Changeset.objects.count() == before


def test_recognised_rows_are_shown_and_terms_have_to_be_accepted(desk, reviewer, no_ties):
    reviewer.user_permissions.add(
        *Permission.objects.filter(content_type__app_label="allies", codename__startswith="import_")
    )
    factories.alliance("DNK", "NOR", title_en="Treaty of Oslo", signed="1957-03-04")
    known = Alliance.objects.get()
    mapping = {
        "name": "m",
        "terms": {"en": "Cite the authors.", "id": "Kutip penulisnya."},
        "nouns": [
            {
                "noun": "alliances",
                "fields": {
                    "identifier": {"column": "id"},
                    "kind": {"constant": "entente"},
                    "title_en": {"column": "name"},
                    "signed": {"column": "signed"},
                },
                "only_new": ["kind"],
                "same": [{"name": True, "compatible": ["signed"]}],
            }
        ],
    }
    work = desk(reviewer)
    work.upload(b"id,name,signed\nt:1,Treaty of Oslo,1957\n", noun="alliances")
    file = SimpleUploadedFile("m.json", json.dumps(mapping).encode(), "application/json")
    work.send(load="1", json=file)
    page = work.check()
    assert work.changeset.mapping["nouns"][0]["same"] == mapping["nouns"][0]["same"]
    assert "Recognised (1)" in page
    page = work.see(show="matched")
    assert "same name" in page
    assert "<code>kind</code> defence-pact (in the file: entente)" in page
    assert "Cite the authors." in page
    page = work.send(apply="1")
    assert "Accept the terms of the data set first." in page
    assert work.changeset.state == "checked"
    work.send(apply="1", **{"accept-terms": "on"})
    assert work.changeset.state == "applied"
    known.refresh_from_db()
    assert (known.identifier, known.kind) == ("t:1", "defence-pact")
