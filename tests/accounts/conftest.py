"""Who signs in."""

import pytest
from django.contrib.auth.models import User

from tests.accounts import PASSWORD


@pytest.fixture
def staff_user(db):
    """One of the desk."""
    return User.objects.create_user("ana", password=PASSWORD, is_staff=True)


@pytest.fixture
def superuser(db):
    """Who keeps the accounts."""
    return User.objects.create_superuser("root", password=PASSWORD)
