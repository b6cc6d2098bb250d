import django.core.validators
import django.db.models.deletion
import django.db.models.functions.text
import django.db.models.lookups
from django.conf import settings
from django.db import migrations, models

import allies.models.fields


class Migration(migrations.Migration):
    dependencies = [
        ("allies", "0018_seen_content"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="alias",
            options={
                "default_permissions": ("add", "change", "delete", "view", "import", "export"),
                "ordering": ["name", "pk"],
                "verbose_name": "alternative name",
                "verbose_name_plural": "alternative names",
            },
        ),
        migrations.AlterModelOptions(
            name="historicalalias",
            options={
                "get_latest_by": ("history_date", "history_id"),
                "ordering": ("-history_date", "-history_id"),
                "verbose_name": "historical alternative name",
                "verbose_name_plural": "historical alternative names",
            },
        ),
        migrations.AlterModelOptions(
            name="linkhealth",
            options={
                "default_permissions": (),
                "verbose_name": "link status",
                "verbose_name_plural": "link status",
            },
        ),
        migrations.AlterModelOptions(
            name="rightschange",
            options={
                "default_permissions": ("view",),
                "ordering": ("-at", "-pk"),
                "verbose_name": "change to accounts and permissions",
                "verbose_name_plural": "changes to accounts and permissions",
            },
        ),
        migrations.AlterField(
            model_name="alias",
            name="language",
            field=models.CharField(
                blank=True,
                default="",
                help_text="ISO 639 code of the name’s language; empty for codes and abbreviations.",
                max_length=3,
                validators=[
                    django.core.validators.RegexValidator(
                        "^[a-z]{2,3}$", "An ISO 639 code, like id or en."
                    )
                ],
                verbose_name="language",
            ),
        ),
        migrations.AlterField(
            model_name="alliance",
            name="identifier",
            field=models.CharField(
                blank=True,
                default="",
                help_text="The ID in a data set, like cow:278.",
                max_length=80,
                verbose_name="data-set ID",
            ),
        ),
        migrations.AlterField(
            model_name="alliance",
            name="in_force",
            field=allies.models.fields.EDTFField(
                blank=True,
                default="",
                help_text="The date it entered into force.",
                max_length=40,
                verbose_name="in force",
            ),
        ),
        migrations.AlterField(
            model_name="alliance",
            name="slug",
            field=models.SlugField(
                blank=True,
                error_messages={"unique": "Another record already has this slug."},
                help_text="The end of the page address. If empty, it is made from the title.",
                max_length=120,
                unique=True,
                verbose_name="slug",
            ),
        ),
        migrations.AlterField(
            model_name="allylist",
            name="focus",
            field=models.ForeignKey(
                help_text="The country whose allies the list names.",
                on_delete=django.db.models.deletion.PROTECT,
                related_name="ally_lists",
                to="allies.country",
                verbose_name="focus country",
            ),
        ),
        migrations.AlterField(
            model_name="allylist",
            name="promised",
            field=models.PositiveSmallIntegerField(
                blank=True,
                help_text="How many allies the headline mentions.",
                null=True,
                validators=[django.core.validators.MinValueValidator(1)],
                verbose_name="number in the headline",
            ),
        ),
        migrations.AlterField(
            model_name="allylist",
            name="recorded_from",
            field=models.ForeignKey(
                blank=True,
                help_text="The source that published this list; empty for a list of our own.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="recorded_lists",
                to="allies.source",
                verbose_name="published by",
            ),
        ),
        migrations.AlterField(
            model_name="allylist",
            name="scope",
            field=models.CharField(
                blank=True,
                choices=[
                    ("002", "Africa"),
                    ("019", "Americas"),
                    ("142", "Asia"),
                    ("150", "Europe"),
                    ("009", "Oceania"),
                    ("015", "Northern Africa"),
                    ("202", "Sub-Saharan Africa"),
                    ("419", "Latin America and the Caribbean"),
                    ("021", "Northern America"),
                    ("143", "Central Asia"),
                    ("030", "Eastern Asia"),
                    ("035", "South-eastern Asia"),
                    ("034", "Southern Asia"),
                    ("145", "Western Asia"),
                    ("151", "Eastern Europe"),
                    ("154", "Northern Europe"),
                    ("039", "Southern Europe"),
                    ("155", "Western Europe"),
                    ("053", "Australia and New Zealand"),
                    ("054", "Melanesia"),
                    ("057", "Micronesia"),
                    ("061", "Polynesia"),
                ],
                default="",
                help_text="The region that the list is limited to; empty for the whole world.",
                max_length=3,
                verbose_name="region (M49)",
            ),
        ),
        migrations.AlterField(
            model_name="allylist",
            name="slug",
            field=models.SlugField(
                blank=True,
                error_messages={"unique": "Another record already has this slug."},
                help_text="The end of the page address. If empty, it is made from the title.",
                max_length=120,
                unique=True,
                verbose_name="slug",
            ),
        ),
        migrations.AlterField(
            model_name="appointment",
            name="due_at",
            field=models.DateTimeField(db_index=True, verbose_name="scheduled for"),
        ),
        migrations.AlterField(
            model_name="changeset",
            name="created_at",
            field=models.DateTimeField(auto_now_add=True, db_index=True, verbose_name="started"),
        ),
        migrations.AlterField(
            model_name="changeset",
            name="listed",
            field=models.BooleanField(default=False, verbose_name="in the public log"),
        ),
        migrations.AlterField(
            model_name="changeset",
            name="noun",
            field=models.CharField(
                blank=True, default="", max_length=20, verbose_name="record type"
            ),
        ),
        migrations.AlterField(
            model_name="changeset",
            name="state",
            field=models.CharField(
                choices=[
                    ("uploaded", "uploaded"),
                    ("checking", "being checked"),
                    ("checked", "checked"),
                    ("applying", "being applied"),
                    ("applied", "applied"),
                    ("proposed", "proposed"),
                    ("declined", "declined"),
                ],
                db_index=True,
                default="uploaded",
                max_length=8,
                verbose_name="status",
            ),
        ),
        migrations.AlterField(
            model_name="citation",
            name="locator",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Page, paragraph, article or row.",
                max_length=120,
                verbose_name="location",
            ),
        ),
        migrations.AlterField(
            model_name="citation",
            name="quote",
            field=allies.models.fields.ProseField(
                blank=True,
                default="",
                help_text="A short passage in the language of the source.",
                max_length=600,
                verbose_name="quote",
            ),
        ),
        migrations.AlterField(
            model_name="correction",
            name="contact",
            field=models.EmailField(blank=True, default="", max_length=254, verbose_name="email"),
        ),
        migrations.AlterField(
            model_name="country",
            name="existed_to",
            field=allies.models.fields.EDTFField(
                blank=True,
                default="",
                help_text="Empty for a current country.",
                max_length=40,
                verbose_name="existed to",
            ),
        ),
        migrations.AlterField(
            model_name="country",
            name="slug",
            field=models.SlugField(
                blank=True,
                error_messages={"unique": "Another record already has this slug."},
                help_text="The end of the page address. If empty, it is made from the title.",
                max_length=120,
                unique=True,
                verbose_name="slug",
            ),
        ),
        migrations.AlterField(
            model_name="edition",
            name="made_at",
            field=models.DateTimeField(verbose_name="created"),
        ),
        migrations.AlterField(
            model_name="edition",
            name="made_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="created by",
            ),
        ),
        migrations.AlterField(
            model_name="event",
            name="attributed_to_en",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Who says so, if it is not confirmed.",
                max_length=300,
                verbose_name="attributed to (English)",
            ),
        ),
        migrations.AlterField(
            model_name="event",
            name="identifier",
            field=models.CharField(
                blank=True,
                default="",
                help_text="The ID in a data set.",
                max_length=80,
                verbose_name="data-set ID",
            ),
        ),
        migrations.AlterField(
            model_name="event",
            name="slug",
            field=models.SlugField(
                blank=True,
                error_messages={"unique": "Another record already has this slug."},
                help_text="The end of the page address. If empty, it is made from the title.",
                max_length=120,
                unique=True,
                verbose_name="slug",
            ),
        ),
        migrations.AlterField(
            model_name="historicalalias",
            name="language",
            field=models.CharField(
                blank=True,
                default="",
                help_text="ISO 639 code of the name’s language; empty for codes and abbreviations.",
                max_length=3,
                validators=[
                    django.core.validators.RegexValidator(
                        "^[a-z]{2,3}$", "An ISO 639 code, like id or en."
                    )
                ],
                verbose_name="language",
            ),
        ),
        migrations.AlterField(
            model_name="historicalalliance",
            name="identifier",
            field=models.CharField(
                blank=True,
                default="",
                help_text="The ID in a data set, like cow:278.",
                max_length=80,
                verbose_name="data-set ID",
            ),
        ),
        migrations.AlterField(
            model_name="historicalalliance",
            name="in_force",
            field=allies.models.fields.EDTFField(
                blank=True,
                default="",
                help_text="The date it entered into force.",
                max_length=40,
                verbose_name="in force",
            ),
        ),
        migrations.AlterField(
            model_name="historicalalliance",
            name="slug",
            field=models.SlugField(
                blank=True,
                error_messages={"unique": "Another record already has this slug."},
                help_text="The end of the page address. If empty, it is made from the title.",
                max_length=120,
                verbose_name="slug",
            ),
        ),
        migrations.AlterField(
            model_name="historicalallylist",
            name="focus",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                help_text="The country whose allies the list names.",
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="allies.country",
                verbose_name="focus country",
            ),
        ),
        migrations.AlterField(
            model_name="historicalallylist",
            name="promised",
            field=models.PositiveSmallIntegerField(
                blank=True,
                help_text="How many allies the headline mentions.",
                null=True,
                validators=[django.core.validators.MinValueValidator(1)],
                verbose_name="number in the headline",
            ),
        ),
        migrations.AlterField(
            model_name="historicalallylist",
            name="recorded_from",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                help_text="The source that published this list; empty for a list of our own.",
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="allies.source",
                verbose_name="published by",
            ),
        ),
        migrations.AlterField(
            model_name="historicalallylist",
            name="scope",
            field=models.CharField(
                blank=True,
                choices=[
                    ("002", "Africa"),
                    ("019", "Americas"),
                    ("142", "Asia"),
                    ("150", "Europe"),
                    ("009", "Oceania"),
                    ("015", "Northern Africa"),
                    ("202", "Sub-Saharan Africa"),
                    ("419", "Latin America and the Caribbean"),
                    ("021", "Northern America"),
                    ("143", "Central Asia"),
                    ("030", "Eastern Asia"),
                    ("035", "South-eastern Asia"),
                    ("034", "Southern Asia"),
                    ("145", "Western Asia"),
                    ("151", "Eastern Europe"),
                    ("154", "Northern Europe"),
                    ("039", "Southern Europe"),
                    ("155", "Western Europe"),
                    ("053", "Australia and New Zealand"),
                    ("054", "Melanesia"),
                    ("057", "Micronesia"),
                    ("061", "Polynesia"),
                ],
                default="",
                help_text="The region that the list is limited to; empty for the whole world.",
                max_length=3,
                verbose_name="region (M49)",
            ),
        ),
        migrations.AlterField(
            model_name="historicalallylist",
            name="slug",
            field=models.SlugField(
                blank=True,
                error_messages={"unique": "Another record already has this slug."},
                help_text="The end of the page address. If empty, it is made from the title.",
                max_length=120,
                verbose_name="slug",
            ),
        ),
        migrations.AlterField(
            model_name="historicalcitation",
            name="locator",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Page, paragraph, article or row.",
                max_length=120,
                verbose_name="location",
            ),
        ),
        migrations.AlterField(
            model_name="historicalcitation",
            name="quote",
            field=allies.models.fields.ProseField(
                blank=True,
                default="",
                help_text="A short passage in the language of the source.",
                max_length=600,
                verbose_name="quote",
            ),
        ),
        migrations.AlterField(
            model_name="historicalcountry",
            name="existed_to",
            field=allies.models.fields.EDTFField(
                blank=True,
                default="",
                help_text="Empty for a current country.",
                max_length=40,
                verbose_name="existed to",
            ),
        ),
        migrations.AlterField(
            model_name="historicalcountry",
            name="slug",
            field=models.SlugField(
                blank=True,
                error_messages={"unique": "Another record already has this slug."},
                help_text="The end of the page address. If empty, it is made from the title.",
                max_length=120,
                verbose_name="slug",
            ),
        ),
        migrations.AlterField(
            model_name="historicalevent",
            name="attributed_to_en",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Who says so, if it is not confirmed.",
                max_length=300,
                verbose_name="attributed to (English)",
            ),
        ),
        migrations.AlterField(
            model_name="historicalevent",
            name="identifier",
            field=models.CharField(
                blank=True,
                default="",
                help_text="The ID in a data set.",
                max_length=80,
                verbose_name="data-set ID",
            ),
        ),
        migrations.AlterField(
            model_name="historicalevent",
            name="slug",
            field=models.SlugField(
                blank=True,
                error_messages={"unique": "Another record already has this slug."},
                help_text="The end of the page address. If empty, it is made from the title.",
                max_length=120,
                verbose_name="slug",
            ),
        ),
        migrations.AlterField(
            model_name="historicalmembership",
            name="consultation",
            field=models.BooleanField(
                blank=True, null=True, verbose_name="consultation obligation"
            ),
        ),
        migrations.AlterField(
            model_name="historicalmembership",
            name="defence",
            field=models.BooleanField(blank=True, null=True, verbose_name="defence obligation"),
        ),
        migrations.AlterField(
            model_name="historicalmembership",
            name="joined",
            field=allies.models.fields.EDTFField(
                blank=True,
                default="",
                help_text="If empty: since the alliance began.",
                max_length=40,
                verbose_name="joined",
            ),
        ),
        migrations.AlterField(
            model_name="historicalmembership",
            name="left",
            field=allies.models.fields.EDTFField(
                blank=True,
                default="",
                help_text="If empty: still a member, or until the alliance ended.",
                max_length=40,
                verbose_name="left",
            ),
        ),
        migrations.AlterField(
            model_name="historicalmembership",
            name="neutrality",
            field=models.BooleanField(blank=True, null=True, verbose_name="neutrality obligation"),
        ),
        migrations.AlterField(
            model_name="historicalmembership",
            name="non_aggression",
            field=models.BooleanField(
                blank=True, null=True, verbose_name="non-aggression obligation"
            ),
        ),
        migrations.AlterField(
            model_name="historicalsource",
            name="derived_from",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                help_text="The source that this one republishes or is based on.",
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="allies.source",
                verbose_name="based on",
            ),
        ),
        migrations.AlterField(
            model_name="historicalsource",
            name="key",
            field=models.SlugField(
                error_messages={"unique": "Another source already has this citation key."},
                help_text="Short and permanent, like dw-2024-en. Files and texts cite it.",
                max_length=80,
                validators=[
                    django.core.validators.RegexValidator(
                        "^[a-z0-9][a-z0-9-]*$",
                        "Lowercase letters, digits and hyphens, like dw-2024-en.",
                    )
                ],
                verbose_name="citation key",
            ),
        ),
        migrations.AlterField(
            model_name="historicalsource",
            name="origin",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                editable=False,
                help_text="The first source in the chain; empty if it is this one.",
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="allies.source",
                verbose_name="original source",
            ),
        ),
        migrations.AlterField(
            model_name="linkcheck",
            name="detail",
            field=models.CharField(blank=True, default="", max_length=300, verbose_name="details"),
        ),
        migrations.AlterField(
            model_name="linkcheck",
            name="result",
            field=models.CharField(
                choices=[
                    ("ok", "works"),
                    ("moved", "moved permanently"),
                    ("gone", "gone"),
                    ("error", "responds with an error"),
                    ("unreachable", "cannot be reached"),
                    ("refused", "not an address we check"),
                    ("skipped", "not checked (robots.txt)"),
                ],
                max_length=11,
                verbose_name="result",
            ),
        ),
        migrations.AlterField(
            model_name="linkcheck",
            name="what",
            field=models.CharField(
                choices=[("url", "address"), ("archive_url", "archived copy")],
                default="url",
                max_length=11,
                verbose_name="type",
            ),
        ),
        migrations.AlterField(
            model_name="linkhealth",
            name="health",
            field=models.CharField(
                blank=True,
                choices=[("ok", "works"), ("failing", "failing"), ("dead", "dead")],
                default="",
                max_length=7,
                verbose_name="status",
            ),
        ),
        migrations.AlterField(
            model_name="membership",
            name="consultation",
            field=models.BooleanField(
                blank=True, null=True, verbose_name="consultation obligation"
            ),
        ),
        migrations.AlterField(
            model_name="membership",
            name="defence",
            field=models.BooleanField(blank=True, null=True, verbose_name="defence obligation"),
        ),
        migrations.AlterField(
            model_name="membership",
            name="joined",
            field=allies.models.fields.EDTFField(
                blank=True,
                default="",
                help_text="If empty: since the alliance began.",
                max_length=40,
                verbose_name="joined",
            ),
        ),
        migrations.AlterField(
            model_name="membership",
            name="left",
            field=allies.models.fields.EDTFField(
                blank=True,
                default="",
                help_text="If empty: still a member, or until the alliance ended.",
                max_length=40,
                verbose_name="left",
            ),
        ),
        migrations.AlterField(
            model_name="membership",
            name="neutrality",
            field=models.BooleanField(blank=True, null=True, verbose_name="neutrality obligation"),
        ),
        migrations.AlterField(
            model_name="membership",
            name="non_aggression",
            field=models.BooleanField(
                blank=True, null=True, verbose_name="non-aggression obligation"
            ),
        ),
        migrations.AlterField(
            model_name="previewlink",
            name="purpose",
            field=models.CharField(
                blank=True, default="", max_length=200, verbose_name="recipient"
            ),
        ),
        migrations.AlterField(
            model_name="rightschange",
            name="by",
            field=models.ForeignKey(
                help_text="Empty for the command line.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="by",
            ),
        ),
        migrations.AlterField(
            model_name="rightschange",
            name="by_name",
            field=models.CharField(blank=True, default="", max_length=200, verbose_name="by"),
        ),
        migrations.AlterField(
            model_name="rightschange",
            name="given",
            field=models.BooleanField(verbose_name="granted"),
        ),
        migrations.AlterField(
            model_name="rightschange",
            name="what",
            field=models.CharField(max_length=300, verbose_name="permission"),
        ),
        migrations.AlterField(
            model_name="rightschange",
            name="whom",
            field=models.CharField(max_length=200, verbose_name="account"),
        ),
        migrations.AlterField(
            model_name="source",
            name="derived_from",
            field=models.ForeignKey(
                blank=True,
                help_text="The source that this one republishes or is based on.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="derivatives",
                to="allies.source",
                verbose_name="based on",
            ),
        ),
        migrations.AlterField(
            model_name="source",
            name="key",
            field=models.SlugField(
                error_messages={"unique": "Another source already has this citation key."},
                help_text="Short and permanent, like dw-2024-en. Files and texts cite it.",
                max_length=80,
                unique=True,
                validators=[
                    django.core.validators.RegexValidator(
                        "^[a-z0-9][a-z0-9-]*$",
                        "Lowercase letters, digits and hyphens, like dw-2024-en.",
                    )
                ],
                verbose_name="citation key",
            ),
        ),
        migrations.AlterField(
            model_name="source",
            name="origin",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                help_text="The first source in the chain; empty if it is this one.",
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="allies.source",
                verbose_name="original source",
            ),
        ),
        migrations.AlterConstraint(
            model_name="alias",
            name="alias_unique",
            constraint=models.UniqueConstraint(
                fields=("country", "name"),
                name="alias_unique",
                violation_error_message="This country already has this name.",
            ),
        ),
        migrations.AlterConstraint(
            model_name="alliance",
            name="alliance_published_has_title",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "published"), _negated=True),
                    models.Q(("title_en", ""), ("title_ind", ""), _negated=True),
                    _connector="OR",
                ),
                name="alliance_published_has_title",
                violation_error_message="Published records need a title in at least one language.",
            ),
        ),
        migrations.AlterConstraint(
            model_name="alliance",
            name="alliance_identifier_unique",
            constraint=models.UniqueConstraint(
                condition=models.Q(("identifier", ""), _negated=True),
                fields=("identifier",),
                name="alliance_identifier_unique",
                violation_error_message="Another alliance already has this data-set ID.",
            ),
        ),
        migrations.AlterConstraint(
            model_name="alliance",
            name="alliance_ends_after_start",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("ended_latest__isnull", True),
                    ("in_force_earliest__isnull", True),
                    ("ended_latest__gte", models.F("in_force_earliest")),
                    _connector="OR",
                ),
                name="alliance_ends_after_start",
                violation_error_message="An alliance cannot end before it enters into force.",
            ),
        ),
        migrations.AlterConstraint(
            model_name="allylist",
            name="allylist_published_has_title",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "published"), _negated=True),
                    models.Q(("title_en", ""), ("title_ind", ""), _negated=True),
                    _connector="OR",
                ),
                name="allylist_published_has_title",
                violation_error_message="Published records need a title in at least one language.",
            ),
        ),
        migrations.AlterConstraint(
            model_name="allylist",
            name="allylist_promises_one",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("promised__isnull", True), ("promised__gte", 1), _connector="OR"
                ),
                name="allylist_promises_one",
                violation_error_message="The number in a headline is at least one.",
            ),
        ),
        migrations.AlterConstraint(
            model_name="citation",
            name="citation_one_target",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("alliance__isnull", False),
                        ("entry__isnull", True),
                        ("event__isnull", True),
                    ),
                    models.Q(
                        ("alliance__isnull", True),
                        ("entry__isnull", True),
                        ("event__isnull", False),
                    ),
                    models.Q(
                        ("alliance__isnull", True),
                        ("entry__isnull", False),
                        ("event__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="citation_one_target",
                violation_error_message="A citation needs exactly one alliance, event or entry.",
            ),
        ),
        migrations.AlterConstraint(
            model_name="citation",
            name="citation_alliance_once",
            constraint=models.UniqueConstraint(
                condition=models.Q(("alliance__isnull", False)),
                fields=("alliance", "source", "stance", "locator"),
                name="citation_alliance_once",
                violation_error_message="Already cited at this location. Enter another location.",
            ),
        ),
        migrations.AlterConstraint(
            model_name="citation",
            name="citation_event_once",
            constraint=models.UniqueConstraint(
                condition=models.Q(("event__isnull", False)),
                fields=("event", "source", "stance", "locator"),
                name="citation_event_once",
                violation_error_message="Already cited at this location. Enter another location.",
            ),
        ),
        migrations.AlterConstraint(
            model_name="citation",
            name="citation_entry_once",
            constraint=models.UniqueConstraint(
                condition=models.Q(("entry__isnull", False)),
                fields=("entry", "source", "stance", "locator"),
                name="citation_entry_once",
                violation_error_message="Already cited at this location. Enter another location.",
            ),
        ),
        migrations.AlterConstraint(
            model_name="country",
            name="country_has_name",
            constraint=models.CheckConstraint(
                condition=models.Q(("name_en", ""), ("name_ind", ""), _negated=True),
                name="country_has_name",
                violation_error_message="A country needs a name in at least one language.",
            ),
        ),
        migrations.AlterConstraint(
            model_name="edition",
            name="edition_number_from_one",
            constraint=models.CheckConstraint(
                condition=models.Q(("number__gte", 1)),
                name="edition_number_from_one",
                violation_error_message="Edition numbers start at 1.",
            ),
        ),
        migrations.AlterConstraint(
            model_name="edition",
            name="edition_has_hash",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    django.db.models.lookups.Exact(
                        django.db.models.functions.text.Length("sha256"), 64
                    )
                ),
                name="edition_has_hash",
                violation_error_message="An edition needs the SHA-256 hash of its content.",
            ),
        ),
        migrations.AlterConstraint(
            model_name="edition",
            name="edition_retracted_with_reason",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("retracted_at__isnull", True), ("retraction", "")),
                    models.Q(
                        ("retracted_at__isnull", False), models.Q(("retraction", ""), _negated=True)
                    ),
                    _connector="OR",
                ),
                name="edition_retracted_with_reason",
                violation_error_message="Give a reason for the retraction.",
            ),
        ),
        migrations.AlterConstraint(
            model_name="entry",
            name="entry_position_from_one",
            constraint=models.CheckConstraint(
                condition=models.Q(("position__gte", 1)),
                name="entry_position_from_one",
                violation_error_message="Positions start at 1.",
            ),
        ),
        migrations.AlterConstraint(
            model_name="event",
            name="event_published_has_title",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "published"), _negated=True),
                    models.Q(("title_en", ""), ("title_ind", ""), _negated=True),
                    _connector="OR",
                ),
                name="event_published_has_title",
                violation_error_message="Published records need a title in at least one language.",
            ),
        ),
        migrations.AlterConstraint(
            model_name="event",
            name="event_has_date",
            constraint=models.CheckConstraint(
                condition=models.Q(("date", ""), _negated=True),
                name="event_has_date",
                violation_error_message="Enter a date, as precise as it is known.",
            ),
        ),
        migrations.AlterConstraint(
            model_name="event",
            name="event_identifier_unique",
            constraint=models.UniqueConstraint(
                condition=models.Q(("identifier", ""), _negated=True),
                fields=("identifier",),
                name="event_identifier_unique",
                violation_error_message="Another event already has this data-set ID.",
            ),
        ),
        migrations.AlterConstraint(
            model_name="seealso",
            name="seealso_once",
            constraint=models.UniqueConstraint(
                fields=("ally_list", "source"),
                name="seealso_once",
                violation_error_message="The list already refers to this source.",
            ),
        ),
        migrations.AlterConstraint(
            model_name="source",
            name="source_not_own_original",
            constraint=models.CheckConstraint(
                condition=models.Q(("derived_from", models.F("pk")), _negated=True),
                name="source_not_own_original",
                violation_error_message="A source cannot be based on itself.",
            ),
        ),
    ]
