"""Who signs in."""

import pytest
from django.contrib.auth.models import User

from tests.signing_in import PASSWORD


@pytest.fixture
def ana(db):
    """One of the desk."""
    return User.objects.create_user("ana", password=PASSWORD, is_staff=True)


@pytest.fixture
def root(db):
    """Who keeps the accounts."""
    return User.objects.create_superuser("root", password=PASSWORD)
