"""Corrections as readers meet them: a form without an account, and a log of what came of it."""

import datetime as dt
import math
import re
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.syndication.views import Feed
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.feedgenerator import Atom1Feed
from django.utils.html import format_html, format_html_join
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import TemplateView

from allies.actions.reports import (
    NotSent,
    TooMuchSent,
    TooSoon,
    client_of,
    send_correction,
    token_for,
)
from allies.models import Changeset, Correction, attach_records
from allies.public_history import Sentence, public_changes
from allies.views.listing import PER_PAGE, asked_page
from allies.views.record import BesideRecord, Renamed

#: More than the longest form, with every letter written as browsers send it.
MOST_BYTES = 128 * 1024

#: Entries of the feed.
FED = 50


class Text(forms.CharField):
    """A text of lines; browsers count a line's end as one letter and send two."""

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        return text.replace("\r\n", "\n") if isinstance(text, str) else text


class CorrectionForm(forms.Form):
    """What is wrong, where one can see it, and how to ask back."""

    text = Text(
        label=gettext_lazy("What is wrong, and what is right?"),
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 8}),
    )
    evidence = Text(
        label=gettext_lazy("Where can we see that? (optional)"),
        help_text=gettext_lazy("An address or a source. We change nothing without one."),
        max_length=1000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    contact = forms.EmailField(
        label=gettext_lazy("Your e-mail address (optional)"),
        help_text=gettext_lazy(
            "For a question from us only. Nobody else sees it, and it is deleted 90 days after "
            "we have decided."
        ),
        max_length=254,
        required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    #: People do not see this one, and fill in nothing; programs do.
    website = forms.CharField(
        required=False,
        widget=forms.TextInput(attrs={"tabindex": "-1", "autocomplete": "off"}),
    )
    token = forms.CharField(required=False, widget=forms.HiddenInput)


# Nothing is known of who sends this, so nothing can be done in their name: the form's own token
# takes the place of a CSRF token, which would need a cookie.
@method_decorator(csrf_exempt, name="dispatch")
class CorrectPage(BesideRecord):
    """The form by which a reader says what is wrong with a record."""

    template_name = "allies/correction/form.html"
    clock: Callable[[], dt.datetime] = staticmethod(timezone.now)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        length = str(request.META.get("CONTENT_LENGTH") or 0)
        if not length.isdecimal() or len(length) > 9 or int(length) > MOST_BYTES:
            return HttpResponse(
                _("This is too long."), status=413, content_type="text/plain; charset=utf-8"
            )
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.object = self.get_object()
        return self._form(CorrectionForm(initial=self._new_token()))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            self.object = self.get_object()
        except Renamed as renamed:
            # Leading on would lose what was typed.
            self.kwargs = {"slug": renamed.slug}
            self.object = self.get_object()
        form = CorrectionForm(request.POST)
        if not form.is_valid():
            return self._form(form, status=400)
        given = form.cleaned_data
        if given["website"]:
            return self._again(
                _(
                    "A field people do not see was filled in, as programs do. Nothing was sent; "
                    "if you are a person, send it again."
                ),
                website="",
            )
        try:
            send_correction(
                record=self.object,
                text=given["text"],
                evidence=given["evidence"],
                contact=given["contact"],
                language=get_language() or settings.LANGUAGE_CODE,
                token=given["token"],
                client=client_of(request),
                now=self.clock(),
            )
        except TooMuchSent as limit:
            response = self._again(_wait(limit.wait), status=429)
            response.headers["Retry-After"] = str(math.ceil(limit.wait.total_seconds()))
            return response
        except TooSoon as soon:
            return self._again(str(soon))
        except NotSent as refusal:
            return self._again(str(refusal), token=self._new_token()["token"])
        return HttpResponseRedirect(_beside(self.object, "sent"))

    def _new_token(self) -> dict[str, str]:
        return {"token": token_for(self.object, now=self.clock())}

    def _again(self, refusal: str, status: int = 400, **instead: str) -> HttpResponse:
        """Answer with the form as it was sent, but for these fields, and with why."""
        data = self.request.POST.copy()
        for name, value in instead.items():
            data[name] = value
        return self._form(CorrectionForm(data), refusal=refusal, status=status)

    def _form(self, form: CorrectionForm, refusal: str = "", status: int = 200) -> HttpResponse:
        context = self.get_context_data(form=form, refusal=refusal)
        response = self.render_to_response(context, status=status)
        response.headers["Cache-Control"] = "no-store"  # each form is good once
        return response


def _wait(wait: dt.timedelta) -> str:
    """Say when to try again."""
    minutes = math.ceil(wait.total_seconds() / 60)
    if minutes <= 90:
        when = ngettext("in %(n)d minute", "in %(n)d minutes", minutes) % {"n": minutes}
    else:
        hours = math.ceil(minutes / 60)
        when = ngettext("in %(n)d hour", "in %(n)d hours", hours) % {"n": hours}
    return _("More was sent than we can take at once. Nothing is lost: send it again %(when)s.") % {
        "when": when
    }


def _beside(record: Any, what: str) -> str:
    """Return the address of a page beside a record's."""
    key = {"slug": record.slug} if hasattr(record, "slug") else {"key": record.key}
    return reverse(f"allies:{record._meta.model_name}-{what}", kwargs=key)


class SentPage(BesideRecord):
    """Thanks."""

    template_name = "allies/correction/sent.html"


# The log.


def told(corrections: Iterable[Any]) -> list[tuple[Any, list[Sentence]]]:
    """Return each correction, its record with it, and what readers saw change for it.

    Costs the same queries for one as for many.
    """
    corrections = list(corrections)
    attach_records(corrections)
    by_pk = {one.pk: one for one in corrections}
    changesets = Changeset.objects.standing().filter(correction__in=by_pk)
    pairs = [
        (by_pk[changeset.correction_id].record, changeset)
        for changeset in changesets.order_by("applied_at", "pk")
    ]
    changed = public_changes(pairs)
    found: dict[Any, list[Sentence]] = {}
    for _record, changeset in pairs:
        found.setdefault(changeset.correction_id, []).extend(changed[changeset.pk])
    return [(one, found.get(one.pk, [])) for one in corrections if one.record is not None]


class CorrectionList(TemplateView):
    """What readers reported and the desk put right, newest first."""

    template_name = "allies/correction/list.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        published = Correction.objects.all().published().newest_first()
        page = asked_page(self.request, Paginator(published, PER_PAGE))
        return super().get_context_data(page=page, rows=told(page.object_list), **kwargs)


class CorrectionFeed(Feed):
    """The newest of the log, as Atom."""

    feed_type = Atom1Feed

    def title(self) -> str:
        return f"{settings.SITE_NAME}: {_('Corrections')}"

    def subtitle(self) -> str:
        return _("What readers reported and we put right.")

    def link(self) -> str:
        return reverse("allies:correction-list")

    def feed_url(self) -> str:
        return reverse("allies:correction-feed")

    def author_name(self) -> str:
        return str(settings.SITE_NAME)

    def items(self) -> Any:
        published = Correction.objects.all().published().newest_first()
        return told(published[:FED])

    def item_title(self, item: Any) -> str:
        return plain(str(item[0].record))

    def item_description(self, item: Any) -> str:
        correction, sentences = item
        return format_html(
            "<p>{}</p>{}<ul>{}</ul>",
            correction.get_outcome_display(),
            format_html("<p>{}</p>", plain(correction.answer)) if correction.answer else "",
            format_html_join(
                "",
                "<li>{}{}</li>",
                ((plain(sentence.text), _before_and_after(sentence)) for sentence in sentences),
            ),
        )

    def item_link(self, item: Any) -> str:
        return str(item[0].record.get_absolute_url())

    def item_guid(self, item: Any) -> str:
        # Stays when the record is renamed, and is no other site's.
        name = f"{settings.SITE_NAME} {item[0].pk} {item[0].created_at.isoformat()}"
        return uuid.uuid5(uuid.NAMESPACE_URL, f"{get_language()} {name}").urn

    def item_pubdate(self, item: Any) -> dt.datetime:
        return item[0].decided_at  # type: ignore[no-any-return]

    def item_updateddate(self, item: Any) -> dt.datetime:
        return item[0].decided_at  # type: ignore[no-any-return]


def _before_and_after(sentence: Sentence) -> str:
    if not (sentence.old or sentence.new):
        return ""
    return format_html(
        "<blockquote><del>{}</del></blockquote><blockquote><ins>{}</ins></blockquote>",
        plain(sentence.old),
        plain(sentence.new),
    )


#: What XML has no way to write.
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def plain(text: str) -> str:
    """Return a text without what XML cannot hold: one such letter would take the feed away."""
    return _NOT_IN_XML.sub("", text)
