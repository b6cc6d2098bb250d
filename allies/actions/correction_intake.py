"""Corrections from readers: accepted without an account or cookies, but limited in number.

A form carries a signed token with its record and its time of creation. The token works once, from
three seconds to 24 hours after that time. Submissions are counted per client, without storing the
client's address.
"""

import datetime as dt
import secrets
from hashlib import sha256

from django.core import signing
from django.db import IntegrityError, connection, transaction
from django.db.models import Model
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from allies.history.snapshots import snapshot_key
from allies.models import Correction, Sending, UsedToken

#: A form sent sooner was not filled in by a person. A form sent later must be sent again.
AT_LEAST, AT_MOST = dt.timedelta(seconds=3), dt.timedelta(hours=24)

HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)

#: Limits: per client and hour, per client and day, and for all clients per hour.
PER_HOUR, PER_DAY, ALL_PER_HOUR = 5, 20, 200

_SALT = "allies.correction"
#: Any number that no other advisory lock uses.
_LOCK = 7_203_311


class SubmissionRejected(Exception):
    """A form that was not accepted, with the reason in words for the reader."""


class AlreadySubmitted(Exception):
    """The same form was submitted before, with the same text; we already have it."""


class SubmittedTooFast(SubmissionRejected):
    """The form was sent faster than anybody types; it can be sent again unchanged."""


class SubmissionLimitExceeded(SubmissionRejected):
    """The limit is reached; ``retry_after`` says how long to wait."""

    def __init__(self, wait: dt.timedelta) -> None:
        super().__init__()
        self.retry_after = wait


def new_form_token(record: Model, *, now: dt.datetime) -> str:
    """Return the token of a form about this record."""
    return signing.dumps(
        [snapshot_key(record), int(now.timestamp()), secrets.token_hex(8)], salt=_SALT
    )


def submit_correction(
    *,
    record: Model,
    text: str,
    evidence: str,
    contact: str,
    language: str,
    token: str,
    client: str,
    now: dt.datetime,
) -> Correction:
    """Store a correction from a reader.

    Raises SubmissionRejected if the form or the limits forbid it, AlreadySubmitted if the same form
    was submitted before.
    """
    expires_at = _check_token(token, record, now)
    same = Correction.objects.filter(
        noun=str(record._meta.model_name),
        record_id=record.pk,
        text=text,
        evidence=evidence,
        created_at__gte=expires_at - AT_MOST,
    )
    with transaction.atomic():
        if connection.vendor == "postgresql":
            # Two parallel requests would count the same submissions. SQLite has only one writer
            # anyway.
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        UsedToken.objects.filter(expires_at__lt=now).delete()
        Sending.objects.filter(sent_at__lte=now - DAY).delete()
        try:
            _use_token(token, expires_at)
        except SubmissionRejected:
            if same.exists():
                raise AlreadySubmitted from None
            raise
        _count_submission(client, now)
        return Correction.objects.create(
            noun=str(record._meta.model_name),
            record_id=record.pk,
            text=text,
            evidence=evidence,
            contact=contact,
            language=language,
        )


def _check_token(token: str, record: Model, now: dt.datetime) -> dt.datetime:
    """Return when a token expires; raise SubmissionRejected if it is not valid now."""
    stale = _("This form has expired. Your text is still here; send it again.")
    try:
        key, moment, _nonce = signing.loads(token, salt=_SALT)
        made = dt.datetime.fromtimestamp(moment, dt.UTC)
    except (signing.BadSignature, ValueError, TypeError):
        raise SubmissionRejected(stale) from None
    if key != snapshot_key(record) or now - made > AT_MOST:
        raise SubmissionRejected(stale)
    if now - made < AT_LEAST:
        raise SubmittedTooFast(_("That was very quick. Wait three seconds and send it again."))
    return made + AT_MOST


def _use_token(token: str, expires_at: dt.datetime) -> None:
    try:
        with transaction.atomic():
            UsedToken.objects.create(
                digest=sha256(token.encode()).hexdigest(), expires_at=expires_at
            )
    except IntegrityError:
        raise SubmissionRejected(
            _("We already have this report. To send something else, send it again.")
        ) from None


def _count_submission(client: str, now: dt.datetime) -> None:
    """Count a submission; raise SubmissionLimitExceeded if it exceeds a limit."""
    # Count under yesterday's hash too, so that midnight does not reset the limits.
    mine = Sending.objects.filter(
        client__in=[_daily_client_hash(client, now), _daily_client_hash(client, now - DAY)]
    )
    for sendings, most, within in (
        (Sending.objects.all(), ALL_PER_HOUR, HOUR),
        (mine, PER_DAY, DAY),
        (mine, PER_HOUR, HOUR),
    ):
        recent = sendings.filter(sent_at__gt=now - within).order_by("-sent_at")
        first = recent.values_list("sent_at", flat=True)[most - 1 : most].first()
        if first is not None:
            raise SubmissionLimitExceeded(first + within - now)
    Sending.objects.create(client=_daily_client_hash(client, now), sent_at=now)


def _daily_client_hash(client: str, now: dt.datetime) -> str:
    """Return a hash of the client's address that is valid for one day, as a key for counting."""
    day = now.astimezone(dt.UTC).date().isoformat()
    return salted_hmac(f"{_SALT}.client.{day}", client, algorithm="sha256").hexdigest()
