"""Names of alliances, coverage of data sets, citations of memberships, facts of UN votes.

- An alternative name can belong to an alliance. Countries and alliances have a Wikidata ID.
- A source can be a data set with DOI, licence and coverage.
- A citation can be about one membership, and has the dates that its source gives for it.
- UN votes have session, resolution, issues and importance as fields of their own.
"""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import allies.models.event
import allies.models.fields


def delete_without_a_place(apps, schema_editor):
    """Delete what had no place before: names of alliances and citations of memberships."""
    apps.get_model("allies", "Alias").objects.filter(country=None).delete()
    apps.get_model("allies", "Citation").objects.filter(membership__isnull=False).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("allies", "0020_changeset_fields"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="citation",
            name="citation_one_target",
        ),
        migrations.AddField(
            model_name="alias",
            name="alliance",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="aliases",
                to="allies.alliance",
                verbose_name="alliance",
            ),
        ),
        migrations.AddField(
            model_name="alliance",
            name="wikidata",
            field=allies.models.fields.WikidataField(
                blank=True, default="", max_length=12, verbose_name="Wikidata ID"
            ),
        ),
        migrations.AddField(
            model_name="citation",
            name="joined",
            field=allies.models.fields.EDTFField(
                blank=True,
                default="",
                help_text="Only for a membership: the date in this source, which may differ from ours.",  # noqa: E501
                max_length=40,
                verbose_name="joined, says the source",
            ),
        ),
        migrations.AddField(
            model_name="citation",
            name="joined_earliest",
            field=allies.models.fields.EarliestDayField("joined"),
        ),
        migrations.AddField(
            model_name="citation",
            name="joined_latest",
            field=allies.models.fields.LatestDayField("joined"),
        ),
        migrations.AddField(
            model_name="citation",
            name="left",
            field=allies.models.fields.EDTFField(
                blank=True, default="", max_length=40, verbose_name="left, says the source"
            ),
        ),
        migrations.AddField(
            model_name="citation",
            name="left_earliest",
            field=allies.models.fields.EarliestDayField("left"),
        ),
        migrations.AddField(
            model_name="citation",
            name="left_latest",
            field=allies.models.fields.LatestDayField("left"),
        ),
        migrations.AddField(
            model_name="citation",
            name="membership",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="citations",
                to="allies.membership",
                verbose_name="membership",
            ),
        ),
        migrations.AddField(
            model_name="country",
            name="wikidata",
            field=allies.models.fields.WikidataField(
                blank=True, default="", max_length=12, verbose_name="Wikidata ID"
            ),
        ),
        migrations.AddField(
            model_name="event",
            name="is_important",
            field=models.BooleanField(
                blank=True,
                help_text="Whether the US State Department calls it important.",
                null=True,
                verbose_name="important vote",
            ),
        ),
        migrations.AddField(
            model_name="event",
            name="issues",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Codes of issues, separated by spaces, like “me hr”.",
                max_length=40,
                validators=[allies.models.event.validate_issues],
                verbose_name="issues",
            ),
        ),
        migrations.AddField(
            model_name="event",
            name="resolution",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Like A/RES/2758(XXVI).",
                max_length=40,
                verbose_name="resolution",
            ),
        ),
        migrations.AddField(
            model_name="event",
            name="scope",
            field=models.CharField(
                blank=True,
                choices=[
                    ("whole", "the whole resolution"),
                    ("amendment", "an amendment"),
                    ("paragraph", "a paragraph"),
                ],
                default="",
                max_length=10,
                verbose_name="voted on",
            ),
        ),
        migrations.AddField(
            model_name="event",
            name="session",
            field=models.PositiveSmallIntegerField(
                blank=True,
                help_text="The session of the General Assembly.",
                null=True,
                verbose_name="session",
            ),
        ),
        migrations.AddField(
            model_name="historicalalias",
            name="alliance",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="allies.alliance",
                verbose_name="alliance",
            ),
        ),
        migrations.AddField(
            model_name="historicalalliance",
            name="wikidata",
            field=allies.models.fields.WikidataField(
                blank=True, default="", max_length=12, verbose_name="Wikidata ID"
            ),
        ),
        migrations.AddField(
            model_name="historicalcitation",
            name="joined",
            field=allies.models.fields.EDTFField(
                blank=True,
                default="",
                help_text="Only for a membership: the date in this source, which may differ from ours.",  # noqa: E501
                max_length=40,
                verbose_name="joined, says the source",
            ),
        ),
        migrations.AddField(
            model_name="historicalcitation",
            name="joined_earliest",
            field=allies.models.fields.EarliestDayField("joined"),
        ),
        migrations.AddField(
            model_name="historicalcitation",
            name="joined_latest",
            field=allies.models.fields.LatestDayField("joined"),
        ),
        migrations.AddField(
            model_name="historicalcitation",
            name="left",
            field=allies.models.fields.EDTFField(
                blank=True, default="", max_length=40, verbose_name="left, says the source"
            ),
        ),
        migrations.AddField(
            model_name="historicalcitation",
            name="left_earliest",
            field=allies.models.fields.EarliestDayField("left"),
        ),
        migrations.AddField(
            model_name="historicalcitation",
            name="left_latest",
            field=allies.models.fields.LatestDayField("left"),
        ),
        migrations.AddField(
            model_name="historicalcitation",
            name="membership",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="allies.membership",
                verbose_name="membership",
            ),
        ),
        migrations.AddField(
            model_name="historicalcountry",
            name="wikidata",
            field=allies.models.fields.WikidataField(
                blank=True, default="", max_length=12, verbose_name="Wikidata ID"
            ),
        ),
        migrations.AddField(
            model_name="historicalevent",
            name="is_important",
            field=models.BooleanField(
                blank=True,
                help_text="Whether the US State Department calls it important.",
                null=True,
                verbose_name="important vote",
            ),
        ),
        migrations.AddField(
            model_name="historicalevent",
            name="issues",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Codes of issues, separated by spaces, like “me hr”.",
                max_length=40,
                validators=[allies.models.event.validate_issues],
                verbose_name="issues",
            ),
        ),
        migrations.AddField(
            model_name="historicalevent",
            name="resolution",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Like A/RES/2758(XXVI).",
                max_length=40,
                verbose_name="resolution",
            ),
        ),
        migrations.AddField(
            model_name="historicalevent",
            name="scope",
            field=models.CharField(
                blank=True,
                choices=[
                    ("whole", "the whole resolution"),
                    ("amendment", "an amendment"),
                    ("paragraph", "a paragraph"),
                ],
                default="",
                max_length=10,
                verbose_name="voted on",
            ),
        ),
        migrations.AddField(
            model_name="historicalevent",
            name="session",
            field=models.PositiveSmallIntegerField(
                blank=True,
                help_text="The session of the General Assembly.",
                null=True,
                verbose_name="session",
            ),
        ),
        migrations.AddField(
            model_name="historicalsource",
            name="covers_from",
            field=allies.models.fields.EDTFField(
                blank=True,
                default="",
                help_text="The first day that a data set describes.",
                max_length=40,
                verbose_name="covers from",
            ),
        ),
        migrations.AddField(
            model_name="historicalsource",
            name="covers_from_earliest",
            field=allies.models.fields.EarliestDayField("covers_from"),
        ),
        migrations.AddField(
            model_name="historicalsource",
            name="covers_from_latest",
            field=allies.models.fields.LatestDayField("covers_from"),
        ),
        migrations.AddField(
            model_name="historicalsource",
            name="covers_to",
            field=allies.models.fields.EDTFField(
                blank=True,
                default="",
                help_text="The last day that a data set describes. Later, its ties are only “last recorded”.",  # noqa: E501
                max_length=40,
                verbose_name="covers to",
            ),
        ),
        migrations.AddField(
            model_name="historicalsource",
            name="covers_to_earliest",
            field=allies.models.fields.EarliestDayField("covers_to"),
        ),
        migrations.AddField(
            model_name="historicalsource",
            name="covers_to_latest",
            field=allies.models.fields.LatestDayField("covers_to"),
        ),
        migrations.AddField(
            model_name="historicalsource",
            name="doi",
            field=models.CharField(
                blank=True,
                default="",
                max_length=200,
                validators=[
                    django.core.validators.RegexValidator(
                        "^10\\.[0-9]{4,9}/\\S+$", "A DOI, like 10.7910/DVN/LEJUQZ."
                    )
                ],
                verbose_name="DOI",
            ),
        ),
        migrations.AddField(
            model_name="historicalsource",
            name="licence",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Its SPDX identifier, like CC-BY-4.0, or its terms in a few words.",
                max_length=120,
                verbose_name="licence",
            ),
        ),
        migrations.AddField(
            model_name="historicalsource",
            name="redistribution",
            field=models.BooleanField(
                blank=True,
                help_text="Whether others may publish the rows of this data set. If not, downloads of whole tables leave out what only this source supports.",  # noqa: E501
                null=True,
                verbose_name="may be passed on",
            ),
        ),
        migrations.AddField(
            model_name="source",
            name="covers_from",
            field=allies.models.fields.EDTFField(
                blank=True,
                default="",
                help_text="The first day that a data set describes.",
                max_length=40,
                verbose_name="covers from",
            ),
        ),
        migrations.AddField(
            model_name="source",
            name="covers_from_earliest",
            field=allies.models.fields.EarliestDayField("covers_from"),
        ),
        migrations.AddField(
            model_name="source",
            name="covers_from_latest",
            field=allies.models.fields.LatestDayField("covers_from"),
        ),
        migrations.AddField(
            model_name="source",
            name="covers_to",
            field=allies.models.fields.EDTFField(
                blank=True,
                default="",
                help_text="The last day that a data set describes. Later, its ties are only “last recorded”.",  # noqa: E501
                max_length=40,
                verbose_name="covers to",
            ),
        ),
        migrations.AddField(
            model_name="source",
            name="covers_to_earliest",
            field=allies.models.fields.EarliestDayField("covers_to"),
        ),
        migrations.AddField(
            model_name="source",
            name="covers_to_latest",
            field=allies.models.fields.LatestDayField("covers_to"),
        ),
        migrations.AddField(
            model_name="source",
            name="doi",
            field=models.CharField(
                blank=True,
                default="",
                max_length=200,
                validators=[
                    django.core.validators.RegexValidator(
                        "^10\\.[0-9]{4,9}/\\S+$", "A DOI, like 10.7910/DVN/LEJUQZ."
                    )
                ],
                verbose_name="DOI",
            ),
        ),
        migrations.AddField(
            model_name="source",
            name="licence",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Its SPDX identifier, like CC-BY-4.0, or its terms in a few words.",
                max_length=120,
                verbose_name="licence",
            ),
        ),
        migrations.AddField(
            model_name="source",
            name="redistribution",
            field=models.BooleanField(
                blank=True,
                help_text="Whether others may publish the rows of this data set. If not, downloads of whole tables leave out what only this source supports.",  # noqa: E501
                null=True,
                verbose_name="may be passed on",
            ),
        ),
        migrations.AlterField(
            model_name="alias",
            name="country",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="aliases",
                to="allies.country",
                verbose_name="country",
            ),
        ),
        migrations.AlterField(
            model_name="event",
            name="folded",
            field=allies.models.fields.NormalizedTextField(
                "title_en", "title_ind", "place_en", "place_ind", "identifier", "resolution"
            ),
        ),
        migrations.AlterField(
            model_name="historicalevent",
            name="folded",
            field=allies.models.fields.NormalizedTextField(
                "title_en", "title_ind", "place_en", "place_ind", "identifier", "resolution"
            ),
        ),
        migrations.AlterField(
            model_name="historicalsource",
            name="author",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Several authors are separated by semicolons.",
                max_length=300,
                verbose_name="author",
            ),
        ),
        migrations.AlterField(
            model_name="source",
            name="author",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Several authors are separated by semicolons.",
                max_length=300,
                verbose_name="author",
            ),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                condition=models.Q(("kind", "un-vote"), _negated=True),
                fields=["status", "-date_latest", "-date_earliest", "slug"],
                name="event_newest_not_votes",
            ),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                condition=models.Q(("kind", "un-vote")),
                fields=["session", "resolution"],
                name="event_votes_by_session",
            ),
        ),
        migrations.AddConstraint(
            model_name="alias",
            constraint=models.UniqueConstraint(
                fields=("alliance", "name"),
                name="alias_alliance_unique",
                violation_error_message="This alliance already has this name.",
            ),
        ),
        migrations.AddConstraint(
            model_name="alias",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("alliance__isnull", True), ("country__isnull", False)),
                    models.Q(("alliance__isnull", False), ("country__isnull", True)),
                    _connector="OR",
                ),
                name="alias_of_one_record",
                violation_error_message="A name belongs to exactly one country or alliance.",
            ),
        ),
        migrations.AddConstraint(
            model_name="alliance",
            constraint=models.UniqueConstraint(
                condition=models.Q(("wikidata", ""), _negated=True),
                fields=("wikidata",),
                name="alliance_wikidata_unique",
                violation_error_message="Another alliance already has this Wikidata ID.",
            ),
        ),
        migrations.AddConstraint(
            model_name="citation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("alliance__isnull", False),
                        ("entry__isnull", True),
                        ("event__isnull", True),
                        ("membership__isnull", True),
                    ),
                    models.Q(
                        ("alliance__isnull", True),
                        ("entry__isnull", True),
                        ("event__isnull", True),
                        ("membership__isnull", False),
                    ),
                    models.Q(
                        ("alliance__isnull", True),
                        ("entry__isnull", True),
                        ("event__isnull", False),
                        ("membership__isnull", True),
                    ),
                    models.Q(
                        ("alliance__isnull", True),
                        ("entry__isnull", False),
                        ("event__isnull", True),
                        ("membership__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="citation_one_target",
                violation_error_message="A citation needs exactly one alliance, membership, event or entry.",  # noqa: E501
            ),
        ),
        migrations.AddConstraint(
            model_name="citation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("membership__isnull", False),
                    models.Q(("joined", ""), ("left", "")),
                    _connector="OR",
                ),
                name="citation_dates_of_membership",
                violation_error_message="Only the citation of a membership has dates of joining and leaving.",  # noqa: E501
            ),
        ),
        migrations.AddConstraint(
            model_name="citation",
            constraint=models.UniqueConstraint(
                condition=models.Q(("membership__isnull", False)),
                fields=("membership", "source", "stance", "locator"),
                name="citation_membership_once",
                violation_error_message="Already cited at this location. Enter another location.",
            ),
        ),
        migrations.AddConstraint(
            model_name="country",
            constraint=models.UniqueConstraint(
                condition=models.Q(("wikidata", ""), _negated=True),
                fields=("wikidata",),
                name="country_wikidata_unique",
                violation_error_message="Another country already has this code.",
            ),
        ),
        migrations.AddConstraint(
            model_name="event",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("scope", ""),
                    ("scope__in", ["amendment", "paragraph", "whole"]),
                    _connector="OR",
                ),
                name="event_scope_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="event",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("kind", "un-vote"),
                    models.Q(
                        ("is_important", None),
                        ("issues", ""),
                        ("resolution", ""),
                        ("scope", ""),
                        ("session", None),
                    ),
                    _connector="OR",
                ),
                name="event_vote_fields_of_votes",
                violation_error_message="Only UN votes have a session, resolution and issues.",
            ),
        ),
        migrations.RunPython(migrations.RunPython.noop, delete_without_a_place),
    ]
