"""Profiles of hypothesis, which set the number of examples per property.

`HYPOTHESIS_PROFILE` selects one: ``dev`` (a quarter of the examples, for `make test`), ``ci`` (all
of them) or ``nightly`` (ten times as many).
"""

import os

from hypothesis import settings

#: Profile → factor for the number of examples.
FACTORS = {"dev": 0.25, "ci": 1, "nightly": 10}
FACTOR = FACTORS[os.environ.get("HYPOTHESIS_PROFILE", "dev")]


def examples(count):
    """Return the number of examples in this profile for a property with ``count`` in ``ci``."""
    return max(1, round(count * FACTOR))


for profile in FACTORS:
    settings.register_profile(profile, max_examples=examples(100), deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))
