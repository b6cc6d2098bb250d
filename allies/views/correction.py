"""Corrections from readers: a form that needs no account, and the public log."""

import datetime as dt
import math
from collections.abc import Callable
from typing import Any

from django import forms
from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import TemplateView

from allies.actions.correction_intake import (
    AlreadySubmitted,
    SubmissionLimitExceeded,
    SubmissionRejected,
    SubmittedTooFast,
    new_form_token,
    submit_correction,
)
from allies.history.public_changesets import corrections_with_changes
from allies.http.client_ip import get_client_ip
from allies.models import Correction
from allies.models.fields import NormalizedNewlinesField
from allies.views.detail import MovedRecord, RecordSubpage
from allies.views.listing import PER_PAGE, parse_page


class CorrectionForm(forms.Form):
    """A report of an error, with evidence and an email address for questions."""

    text = NormalizedNewlinesField(
        label=gettext_lazy("What is wrong, and what should it say?"),
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 8}),
    )
    evidence = NormalizedNewlinesField(
        label=gettext_lazy("Source (optional)"),
        help_text=gettext_lazy(
            "A link or a title. If you don’t have one, we will look for a source ourselves."
        ),
        max_length=1000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    contact = forms.EmailField(
        label=gettext_lazy("Your email address (optional)"),
        help_text=gettext_lazy(
            "We will only use it to ask you about this report. Only "
            "editors see it, and it is deleted 90 days after our decision."
        ),
        max_length=254,
        required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    #: A honeypot: people do not see this field, but spam programs fill it in.
    website = forms.CharField(
        required=False,
        widget=forms.TextInput(attrs={"tabindex": "-1", "autocomplete": "off"}),
    )
    token = forms.CharField(required=False, widget=forms.HiddenInput)


# Senders are anonymous, so a forged request could not act in anyone's name. The form's own token
# replaces the CSRF token, which would need a cookie.
@method_decorator(csrf_exempt, name="dispatch")
class CorrectionFormView(RecordSubpage):
    """The form with which a reader reports an error in a record."""

    template_name = "allies/correction/form.html"
    clock: Callable[[], dt.datetime] = staticmethod(timezone.now)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.object = self.get_object()
        return self._form(CorrectionForm(initial=self._new_token()))

    def post(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        try:
            self.object = self.get_object()
        except MovedRecord as renamed:
            # A redirect would lose the text.
            self.kwargs = {**self.kwargs, **renamed.arguments}
            self.object = self.get_object()
        form = CorrectionForm(request.POST)
        if not form.is_valid():
            return self._form(form, status=400)
        given = form.cleaned_data
        if given["website"]:
            return self._redisplay(
                _(
                    "A hidden field was filled in, which is typical of spam "
                    "programs. Nothing was sent. If you are a person, send it "
                    "again."
                ),
                website="",
            )
        try:
            submit_correction(
                record=self.object,
                text=given["text"],
                evidence=given["evidence"],
                contact=given["contact"],
                language=get_language() or settings.LANGUAGE_CODE,
                token=given["token"],
                client=get_client_ip(request),
                now=self.clock(),
            )
        except AlreadySubmitted:
            return HttpResponseRedirect(_subpage_url(self.object, "sent"))
        except SubmissionLimitExceeded as limit:
            response = self._redisplay(_wait(limit.retry_after), status=429)
            response.headers["Retry-After"] = str(math.ceil(limit.retry_after.total_seconds()))
            return response
        except SubmittedTooFast as soon:
            return self._redisplay(str(soon))
        except SubmissionRejected as refusal:
            return self._redisplay(str(refusal), token=self._new_token()["token"])
        return HttpResponseRedirect(_subpage_url(self.object, "sent"))

    def _new_token(self) -> dict[str, str]:
        return {"token": new_form_token(self.object, now=self.clock())}

    def _redisplay(self, refusal: str, status: int = 400, **instead: str) -> HttpResponse:
        """Show the form again as it was sent, with the reason and these fields replaced."""
        data = self.request.POST.copy()
        for name, value in instead.items():
            data[name] = value
        return self._form(CorrectionForm(data), refusal=refusal, status=status)

    def _form(self, form: CorrectionForm, refusal: str = "", status: int = 200) -> HttpResponse:
        context = self.get_context_data(form=form, refusal=refusal)
        response = self.render_to_response(context, status=status)
        response.headers["Cache-Control"] = "no-store"  # each token can be used only once
        return response


def _wait(wait: dt.timedelta) -> str:
    """Return the message that says when to try again."""
    minutes = math.ceil(wait.total_seconds() / 60)
    if minutes <= 90:
        when = ngettext("in %(n)d minute", "in %(n)d minutes", minutes) % {"n": minutes}
    else:
        hours = math.ceil(minutes / 60)
        when = ngettext("in %(n)d hour", "in %(n)d hours", hours) % {"n": hours}
    return _(
        "We have received too many reports. Your text is still here: send it again %(when)s."
    ) % {"when": when}


def _subpage_url(record: Any, what: str) -> str:
    """Return the URL of a record's subpage."""
    key = {"slug": record.slug} if hasattr(record, "slug") else {"key": record.key}
    return reverse(f"allies:{record._meta.model_name}-{what}", kwargs=key)


class CorrectionThanksView(RecordSubpage):
    """The page that a reader sees after sending a correction."""

    template_name = "allies/correction/submitted.html"


class CorrectionLogView(TemplateView):
    """The public log of corrections, newest first."""

    template_name = "allies/correction/list.html"

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        published = Correction.objects.all().published().newest_first()
        page = parse_page(self.request, Paginator(published, PER_PAGE))
        return super().get_context_data(
            page=page, rows=corrections_with_changes(page.object_list), **kwargs
        )
