"""How many examples a property is tried with: profiles of hypothesis.

`HYPOTHESIS_PROFILE` names one: ``dev`` (a quarter of the examples, for `make test`), ``ci`` (all of
them) or ``nightly`` (ten times as many).
"""

import os

from hypothesis import settings

#: Profile → factor on the number of examples.
FACTORS = {"dev": 0.25, "ci": 1, "nightly": 10}
FACTOR = FACTORS[os.environ.get("HYPOTHESIS_PROFILE", "dev")]


def examples(count):
    """Return the number of examples in this profile for a property that has ``count`` in CI."""
    return max(1, round(count * FACTOR))


for profile in FACTORS:
    settings.register_profile(profile, max_examples=examples(100), deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))
