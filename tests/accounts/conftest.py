"""Accounts for the tests of signing in."""

import pytest
from django.contrib.auth.models import User

from tests.accounts import PASSWORD


@pytest.fixture
def staff_user(db):
    """A staff account without permissions."""
    return User.objects.create_user("ana", password=PASSWORD, is_staff=True)


@pytest.fixture
def superuser(db):
    """A superuser, who manages the accounts."""
    return User.objects.create_superuser("root", password=PASSWORD)
