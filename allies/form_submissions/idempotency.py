"""Process a form that is sent twice only once; the second time, redirect to the same page.

The first request claims the form's token in the transaction in which it writes. A second click
waits for that transaction. If the first request failed, the second is processed. If its content
differs, as after the browser's Back, it is a new submission and is processed.
"""

import json
from collections.abc import Callable
from functools import wraps
from hashlib import file_digest, sha256
from typing import Any

from django.contrib import messages
from django.contrib.admin.options import IS_POPUP_VAR
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.safestring import SafeData, mark_safe

from allies.form_submissions.kept_forms import FORM_PARAMETER
from allies.form_submissions.tokens import FIELD, get_owner_id
from allies.models import KeptForm, SentForm

#: Buttons that say where to go after saving, but do not change what is saved.
_NAVIGATION_BUTTONS = {"_save", "_continue", "_addanother"}
_NOT_CONTENT = {FIELD, "csrfmiddlewaretoken", *_NAVIGATION_BUTTONS}

_View = Callable[..., HttpResponseBase]
_Message = list[list[Any]]


def process_once(view: _View) -> _View:
    """Wrap a view: a form that was sent before with the same content is not processed again."""

    @wraps(view)
    def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        token = request.POST.get(FIELD, "") if request.method == "POST" else ""
        if not token or get_owner_id(token) != request.user.pk:
            return view(request, *args, **kwargs)
        content = _content(request)
        digest = sha256(f"{token} {request.get_full_path()}".encode()).hexdigest()
        with transaction.atomic():
            sent = SentForm.objects.claim(digest)
            if sent.content == content:
                return _replay_response(request, sent.outcome)
            before = len(_pending_messages(request))
            response = view(request, *args, **kwargs)
            is_saved = getattr(request, "is_saved", False)
            outcome = _replayable_outcome(
                response, _pending_messages(request)[before:], is_saved=is_saved
            )
            if outcome:
                SentForm.objects.filter(pk=sent.pk).update(content=content, outcome=outcome)
                _forget_kept(request)
                transaction.on_commit(SentForm.objects.delete_old)
            elif not sent.content:
                sent.delete()
        return response

    return answer


def _content(request: HttpRequest) -> str:
    """Return a digest of the fields and the bytes of the files."""
    fields = sorted((k, v) for k, v in request.POST.lists() if k not in _NOT_CONTENT)
    files = []
    for name, found in request.FILES.lists():
        for file in found:
            files.append([name, file.name, file_digest(file, "sha256").hexdigest()])
            file.seek(0)
    return sha256(json.dumps([fields, files]).encode()).hexdigest()


def _replayable_outcome(response: Any, said: _Message, *, is_saved: bool) -> dict[str, object]:
    """Return the data to repeat a response; {} if the form was refused.

    A form was processed if the response redirects, or hands data to the page that opened a popup.
    It was refused if it is shown again, or if all messages are errors. With ``is_saved``, the
    record was saved and only a later step was refused, so the redirect counts.
    """
    if response.status_code == 302:
        are_errors = said and all(level >= messages.ERROR for level, *_rest in said)
        return (
            {} if are_errors and not is_saved else {"location": response["Location"], "said": said}
        )
    data = (getattr(response, "context_data", None) or {}).get("popup_response_data")
    return {"popup": data} if data else {}


def _replay_response(request: HttpRequest, outcome: dict[str, Any]) -> HttpResponseBase:
    if "popup" in outcome:
        context = {"popup_response_data": outcome["popup"], IS_POPUP_VAR: True}
        return TemplateResponse(request, "admin/popup_response.html", context)
    there = _pending_messages(
        request
    )  # from the first request, if its response reached the browser after all
    for one in outcome["said"]:
        if one not in there:
            level, text, tags, is_safe = one
            messages.add_message(request, level, mark_safe(text) if is_safe else text, tags)  # noqa: S308
    return HttpResponseRedirect(outcome["location"])


def _pending_messages(request: HttpRequest) -> _Message:
    """Return the messages not shown yet, as data; they stay in the queue."""
    storage: Any = messages.get_messages(request)
    said = []
    for one in storage:
        # the storage does the same with messages it has not handed out
        one.message = str(one.message)
        is_safe = isinstance(one.message, SafeData)
        said.append([one.level, one.message, one.extra_tags or "", is_safe])
    storage.used = False
    return said


def _forget_kept(request: HttpRequest) -> None:
    """Delete a saved form that was sent again and processed."""
    number = request.GET.get(FORM_PARAMETER, "")
    if number.isdecimal() and len(number) < 19:
        KeptForm.objects.filter(pk=number, user=request.user.pk).delete()
