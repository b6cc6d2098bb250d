"""Draw a sample of mutants, run their tests, and report which faults the tests noticed.

``python -m tests.mutation --sample 300 --seed 1`` prints a line per mutant, and the share that was
noticed. The exit code is 1 if the share is below BOUND. docs/testing.md explains the sample.
"""

import argparse
import ast
import difflib
import json
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict

from tests.mutation import run
from tests.mutation.record import hash_of, record_of
from tests.mutation.targets import ROOT, STORE, tests

#: Share of the sample that must be noticed.
BOUND = 0.9
#: Maximum recorded CPU seconds of the tests of one mutant.
BUDGET = 30
#: The test that notices mutants that change the database schema.
SCHEMA = "tests/test_conventions.py::test_the_migrations_know_every_model_as_it_is"
#: Number of unchanged modules in every sample. If a test fails for one, the result is invalid.
CONTROLS = 6


def record(renew=True):
    """Update the record of which test runs which line; return (seconds per test, lines)."""
    stale = [
        file
        for file in tests()
        if not record_of(file).exists()
        or json.loads(record_of(file).read_text())["of"] != hash_of(file)
    ]
    if stale and renew:
        print(f"Recording which lines {len(stale)} test files run …", flush=True)
        # Recording takes longer than the limit of costs.
        off = ["-p", "no:cacheprovider", "-p", "no:tests.pytest_costs"]
        plugin = ["-p", "tests.mutation.record", *off, "-q"]
        subprocess.run([sys.executable, "-m", "pytest", *plugin, *stale], cwd=ROOT, check=False)
    seconds, lines = {}, defaultdict(lambda: defaultdict(set))
    for file in tests():
        if record_of(file).exists():
            found = json.loads(record_of(file).read_text())
            seconds |= found["seconds"]
            for module, texts in found["lines"].items():
                for text, ran in texts.items():
                    lines[module][text] |= set(ran)
    return seconds, lines


def draw(tool, number, seed, module):
    """Return (one mutant and its source per drawn place, the number of all places).

    A place is a line and an operator. Otherwise a call with ten arguments would be drawn ten times
    as often as a comparison.
    """
    command = [tool, "-m", "tests.mutation.mutants"]
    said = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    places = defaultdict(list)
    for mutant in map(json.loads, said.splitlines()):
        if mutant["module"].startswith(module):
            places[mutant["module"], mutant["lines"][0], mutant["operator"]].append(mutant)
    chance = random.Random(seed)
    drawn = []
    order = sorted(places)
    chance.shuffle(order)
    for place in order:
        mutant = chance.choice(places[place])
        if len(drawn) < number and (source := mutated(mutant)):
            drawn.append((mutant, source))
    return drawn, len(places)


def mutated(mutant):
    """Return the source of a mutant; None if it is not valid Python or not a change."""
    before = (ROOT / mutant["module"]).read_bytes()
    start, end = mutant["bytes"]
    after = before[:start] + mutant["text"].encode() + before[end:]
    try:
        return after.decode() if ast.dump(ast.parse(after)) != ast.dump(ast.parse(before)) else None
    except SyntaxError:
        return None


def controls(seed, drawn):
    """Return copies of some mutants with unchanged sources."""
    chosen = random.Random(seed).sample(drawn, min(CONTROLS, len(drawn)))
    return [
        (mutant | {"operator": "control"}, (ROOT / mutant["module"]).read_text())
        for mutant, _source in chosen
    ]


def tests_of(mutant, seconds, lines):
    """Return the tests that run the lines of a mutant, within the budget, and their total seconds.

    For a line that runs at import, these are all tests of its module. For models, the test that
    compares them with the migrations comes first. Then follow tests of the mutant's own area, and
    the fastest of the others.
    """
    texts = (ROOT / mutant["module"]).read_text().splitlines()
    first, last = mutant["lines"]
    ran = lines[mutant["module"]]
    found = set().union(*(ran.get(text.strip(), ()) for text in texts[first - 1 : last]))
    if not found:
        found = set().union(*ran.values())
        if mutant["module"].startswith("allies/models"):
            found |= {SCHEMA} & seconds.keys()
    area = mutant["module"].split("/")[1].removesuffix(".py")
    chosen, total = [], 0
    for test in sorted(
        found, key=lambda test: (test != SCHEMA, area not in test, seconds.get(test, 1), test)
    ):
        total += seconds.get(test, 1)
        if chosen and total > BUDGET:
            break
        chosen.append(test)
    return chosen, total


def diff_of(mutant, source):
    before = (ROOT / mutant["module"]).read_text().splitlines()
    lines = list(difflib.unified_diff(before, source.splitlines(), n=0, lineterm=""))[3:]
    return "\n".join(f"      {line}" for line in lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tool", default=sys.executable, help="Python that has mutmut")
    parser.add_argument("--sample", type=int, default=300)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--module", default="", help="draw from paths that begin so")
    parser.add_argument("--again", action="store_true", help="only what was missed last time")
    parser.add_argument("--as-recorded", action="store_true", help="record no changed test file")
    options = parser.parse_args()
    STORE.mkdir(parents=True, exist_ok=True)
    seconds, lines = record(not options.as_recorded)
    drawn, places = draw(options.tool, options.sample, options.seed, options.module)
    print(f"{len(drawn)} of {places} places, seed {options.seed}", flush=True)

    results = STORE / "results.jsonl"
    sources = {json.dumps(m): source for m, source in drawn}
    noticed = {}
    if options.again:
        noticed = {m: found for m, found in read(results).items() if m in sources}
        noticed = {m: found for m, found in noticed.items() if found[0] not in (0, run.NO_TESTS)}
        drawn = [(m, source) for m, source in drawn if json.dumps(m) not in noticed]
    results.write_text(
        "".join(json.dumps([json.loads(m), *found]) + "\n" for m, found in noticed.items())
    )
    inside, outside = [], []
    for mutant, source in drawn + controls(options.seed, drawn):
        chosen, total = tests_of(mutant, seconds, lines)
        job = (mutant, source, chosen, 20 + 3 * int(total))
        text = (ROOT / mutant["module"]).read_text()
        is_inside = run.function_around(text, *mutant["lines"]) and chosen
        (inside if is_inside else outside).append(job)

    def finish(mutant, code, by):
        with results.open("a") as file:
            file.write(json.dumps([mutant, code, by]) + "\n")
        missed = code in (0, run.NO_TESTS)
        said = "missed" if missed else f"noticed by {by}" if by else f"noticed (exit {code})"
        print(f"{mutant['module']}:{mutant['lines'][0]} {mutant['operator']}: {said}")
        if missed and mutant["operator"] != "control":
            print(diff_of(mutant, sources[json.dumps(mutant)]))
        sys.stdout.flush()

    run.preload()
    with tempfile.TemporaryDirectory(prefix="allies-mutants-") as folder:
        tempfile.tempdir = folder  # for all forks, so that files of killed ones are deleted too
        run_all(inside, outside, finish, results)
    sys.exit(report(results))


def run_all(inside, outside, finish, results):
    """Run mutants inside functions in one session; the others, and those it cannot, separately."""
    if pid := os.fork():
        os.waitpid(pid, 0)
    else:
        run.run_in_session(inside, finish)
        sys.stdout.flush()
        os._exit(0)
    again = [job for job in inside if read(results)[json.dumps(job[0])][0] == run.NOT_HERE]
    run.run_fresh([*again, *outside], finish)


def read(results):
    """Return the last result of each mutant: (exit code, test that noticed it)."""
    found = map(json.loads, results.read_text().splitlines())
    return {json.dumps(mutant): (code, by) for mutant, code, by in found}


def report(results):
    """Print the results; return the exit code."""
    noticed, drawn, wrong = Counter(), Counter(), []
    for mutant, (code, by) in read(results).items():
        operator = json.loads(mutant)["operator"]
        if code == run.BROKEN or (operator == "control" and code not in (0, run.NO_TESTS)):
            wrong.append(by)
        if operator != "control":
            drawn[operator] += 1
            noticed[operator] += code not in (0, run.NO_TESTS)
    if wrong:
        print("No result: tests failed without a fault, or the runner did.", *wrong)
        return 1
    for operator, number in drawn.most_common():
        print(f"{operator:35} {noticed[operator]:4} of {number}")
    part = noticed.total() / max(drawn.total(), 1)
    print(f"{noticed.total()} of {drawn.total()} noticed: {part:.1%}, at least {BOUND:.0%} wanted")
    return int(part < BOUND)


if __name__ == "__main__":
    main()
