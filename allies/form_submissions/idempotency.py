"""A form that is sent twice is done once: the second time it leads to where the first one led.

The first request claims the form's token in the transaction in which it writes. A second click
waits for that transaction. If the first one failed, the second is the first. If the content is
another one, as after the browser's Back, it is another intention and is done.
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

#: Buttons that say where to go after what was written, and not what to write.
_IN_PROGRESS_SECONDS = {"_save", "_continue", "_addanother"}
_NOT_CONTENT = {FIELD, "csrfmiddlewaretoken", *_IN_PROGRESS_SECONDS}

_View = Callable[..., HttpResponseBase]
_Message = list[list[Any]]


def process_once(view: _View) -> _View:
    """Wrap a view: a form that was sent before, with this content, is not done again."""

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
    """Return a digest of what was sent: the fields, and the bytes of the files."""
    fields = sorted((k, v) for k, v in request.POST.lists() if k not in _NOT_CONTENT)
    files = []
    for name, found in request.FILES.lists():
        for file in found:
            files.append([name, file.name, file_digest(file, "sha256").hexdigest()])
            file.seek(0)
    return sha256(json.dumps([fields, files]).encode()).hexdigest()


def _replayable_outcome(response: Any, said: _Message, *, is_saved: bool) -> dict[str, object]:
    """Return how to give an answer again; {} for one that did not do what the form asks.

    Done is what leads on, or hands something to the page that opened a popup. A form is refused
    if it is shown again, or if all that is said are errors; but not if a record ``is_saved``, and
    only the step after it was refused.
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
    )  # by the first request, if the browser got its answer after all
    for one in outcome["said"]:
        if one not in there:
            level, text, tags, is_safe = one
            messages.add_message(request, level, mark_safe(text) if is_safe else text, tags)  # noqa: S308
    return HttpResponseRedirect(outcome["location"])


def _pending_messages(request: HttpRequest) -> _Message:
    """Return the messages that wait to be shown, as data; they wait on."""
    storage: Any = messages.get_messages(request)
    said = []
    for one in storage:
        one.message = str(one.message)  # as the storage does with what it has not handed out yet
        is_safe = isinstance(one.message, SafeData)
        said.append([one.level, one.message, one.extra_tags or "", is_safe])
    storage.used = False
    return said


def _forget_kept(request: HttpRequest) -> None:
    """Delete a kept form that was sent again and done."""
    number = request.GET.get(FORM_PARAMETER, "")
    if number.isdecimal() and len(number) < 19:
        KeptForm.objects.filter(pk=number, user=request.user.pk).delete()
