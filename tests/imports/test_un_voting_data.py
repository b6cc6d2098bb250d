"""The United Nations' own voting file: real days, absences, and never a second roll call."""

import pytest

from allies.models import Event, Participation
from tests.imports.files import command, write

pytestmark = pytest.mark.usefixtures("demo_data")

HEADER = [
    *("undl_id", "ms_code", "ms_name", "ms_vote", "date", "session", "resolution", "draft"),
    *("committee_report", "meeting", "title", "agenda_title", "subjects", "total_yes"),
    *("total_no", "total_abstentions", "total_non_voting", "total_ms", "undl_link"),
]


def vote(number, date, resolution, votes, session=None):
    """Return the rows of a resolution; ``votes`` has a letter per code of a country."""
    totals = {
        f"total_{name}": list(votes.values()).count(letter)
        for letter, name in {"Y": "yes", "N": "no", "A": "abstentions", "X": "non_voting"}.items()
    }
    cells = {"undl_id": number, "date": date, "resolution": resolution, **totals}
    cells |= {
        "session": session or int(date[:4]) - 1945,
        "title": "Libraries : resolution / adopted",
    }
    return [{**cells, "ms_code": code, "ms_vote": letter} for code, letter in votes.items()]


def load(tmp_path, *resolutions):
    rows = [row for resolution in resolutions for row in resolution]
    file = write(tmp_path / "undl.csv", rows, HEADER)
    return command("import_un_voting_data", str(file), "--commit")


def old_roll_call(tmp_path, rcid, date, unres, votes, **given):
    """Import a roll call of the other data set; return its event."""
    cells = {"rcid": rcid, "session": int(date[:4]) - 1945, "importantvote": 0, "date": date}
    cells |= {"unres": unres, "amend": 0, "para": 0, "short": "LIBRARIES", "descr": "", **given}
    names = {"NOR": "Norway", "DNK": "Denmark", "SWE": "Sweden", "FIN": "Finland"}
    answers = {"Y": "yes", "N": "no", "A": "abstain"}
    parts = [
        {"rcid": rcid, "country": names[code], "country_code": "", "vote": answers[letter]}
        for code, letter in votes.items()
    ]
    files = write(tmp_path / "r.csv", [cells]), write(tmp_path / "v.csv", parts)
    command("import_un_votes", *map(str, files), "--commit")
    return Event.objects.get(identifier=f"unvotes:{rcid}")


def roles(event):
    return dict(Participation.objects.filter(event=event).values_list("country__alpha3", "role"))


@pytest.mark.postgresql
def test_roll_call_gets_its_day_and_absences(tmp_path):
    old = old_roll_call(tmp_path, 90001, "1971-10-07", "R/26/9758A", {"NOR": "Y", "DNK": "N"})
    assert (old.date, old.resolution, old.scope) == ("1971-10", "A/RES/9758(XXVI)", "")
    rows = vote(5, "1971-10-25", "A/RES/9758(XXVI)", {"NOR": "Y", "DNK": "N", "SWE": "X"})
    report = load(tmp_path, rows)
    assert "events: 1 rows: 0 new, 1 changed" in report
    assert "participations: 3 rows: 1 new, 0 changed, 2 unchanged" in report
    assert "same resolution" in report
    old.refresh_from_db()
    assert (old.date, old.scope, old.title_en) == ("1971-10-25", "whole", "Libraries")
    assert roles(old) == {"NOR": "for", "DNK": "against", "SWE": "absent"}
    assert set(old.citations.values_list("source__key", flat=True)) == {
        "un-votes-voeten",
        "un-digital-library-votes",
    }
    again = load(tmp_path, rows)
    assert again.count("0 new, 0 changed") == 4


def test_part_of_a_resolution_is_told_apart_by_its_numbers(tmp_path):
    first = old_roll_call(tmp_path, 90001, "1971-11-03", "R/26/9775A", {"NOR": "Y", "DNK": "N"})
    second = old_roll_call(tmp_path, 90002, "1971-11-03", "R/26/9775B", {"NOR": "Y", "DNK": "Y"})
    load(tmp_path, vote(5, "1971-11-29", "A/RES/9775(XXVI)[ B ]", {"NOR": "Y", "DNK": "Y"}))
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.date, second.date) == ("1971-11", "1971-11-29")
    assert second.resolution == "A/RES/9775(XXVI)B"


def test_first_sessions_are_recognised_by_their_numbers(tmp_path):
    votes = {"NOR": "Y", "DNK": "Y", "SWE": "A"}
    old = old_roll_call(tmp_path, 90001, "1949-12-01", "R/4/536", votes)
    assert old.resolution == ""
    load(tmp_path, vote(5, "1949-12-06", "A/RES/9334(IV)", votes))
    old.refresh_from_db()
    assert (old.date, old.resolution) == ("1949-12-06", "A/RES/9334(IV)")
    report = load(tmp_path, vote(6, "1949-12-07", "A/RES/9335(IV)", {"NOR": "Y", "DNK": "N"}))
    assert "events: 1 rows: 1 new" in report


def test_vote_on_an_amendment_is_another_roll_call(tmp_path):
    old = old_roll_call(tmp_path, 90001, "2004-12-10", "R/59/983", {"NOR": "Y"}, amend=1)
    load(tmp_path, vote(5, "2004-12-10", "A/RES/59/983", {"NOR": "Y"}))
    assert Event.objects.get(identifier="undl:5") != old


def test_new_roll_call_and_states_of_the_time(tmp_path):
    rows = vote(
        5, "1973-10-25", "A/RES/9758(XXVIII)", {"DEU": "Y", "DDR": "N", "SUN": "A", "CHN": "X"}
    )
    report = load(tmp_path, rows)
    event = Event.objects.published().get(identifier="undl:5")
    assert (event.title_en, event.session, event.scope) == ("Libraries", 28, "whole")
    found = event.participations.select_related("country")
    assert {p.country.code: p.role for p in found} == {
        "260": "for",
        "265": "against",
        "RUS": "abstained",
        "CHN": "absent",
    }
    assert "Germany → West Germany: 1 rows" in report


def test_roll_calls_of_the_other_data_set_join_it_too(tmp_path):
    load(tmp_path, vote(5, "2004-12-10", "A/RES/59/983", {"NOR": "Y", "DNK": "N"}))
    with pytest.raises(Event.DoesNotExist):
        old_roll_call(tmp_path, 90001, "2004-12-10", "R/59/983", {"NOR": "Y", "DNK": "A"})
    event = Event.objects.get(identifier="undl:5")
    assert roles(event) == {"NOR": "for", "DNK": "against"}


@pytest.mark.parametrize("session", ["ES-11", "10emsp"])
def test_special_session_has_no_number(session, tmp_path):
    rows = vote(5, "2022-03-02", "A/RES/ES-11/91", {"NOR": "Y"}, session=session)
    load(tmp_path, rows)
    assert Event.objects.get(identifier="undl:5").session is None
