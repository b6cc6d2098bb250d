"""Run tests against mutants, each in a fork of a process that has loaded everything once.

A mutant inside a function replaces that function in a fork of a running test session. Any other
mutant has its effect when its module is imported. Its tests run in a fork from before the project
was imported, on the prepared database of the code without mutants. Each fork ends at the first test
that fails, and no mutant affects another.
"""

import ast
import gc
import importlib
import importlib.abc
import importlib.machinery
import os
import resource
import signal
import sys
import tempfile
import traceback
import types
from pathlib import Path

import pytest

from tests.mutation.targets import ROOT, modules

WORKERS = int(os.environ.get("WORKERS", os.cpu_count() or 2))
#: Exit codes of a fork in which no test ran: the runner failed, or there was no test.
BROKEN, NO_TESTS = 70, 5
#: Exit code of a fork of the session that did not find the function of a mutant.
NOT_HERE = 71
_PYTEST = [
    "-qq",
    "-x",
    "-p",
    "no:cacheprovider",
    "-p",
    "no:tests.pytest_costs",
    "--rootdir",
    str(ROOT),
]


def _dotted(path):
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def run_forked(jobs, finish):
    """Run each (job, limit of CPU seconds, function) in a fork, ``WORKERS`` at a time.

    The function gets a file descriptor to write text to. ``finish(job, exit code, text)`` is
    called in this process. The code is negative if a signal ended the fork, such as for its limit.
    """
    running = {}
    jobs = iter(jobs)
    while True:
        while len(running) < WORKERS and (job := next(jobs, None)) is not None:
            read, write = os.pipe()
            pid = os.fork()
            if not pid:
                os.close(read)
                _run_limited(write, *job[1:])
            os.close(write)
            running[pid] = (job[0], read)
        if not running:
            return
        pid, status = os.wait()
        job, read = running.pop(pid)
        with os.fdopen(read) as pipe:
            finish(job, os.waitstatus_to_exitcode(status), pipe.read())


def _run_limited(write, seconds, function):
    code = BROKEN
    try:
        quiet = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(quiet, descriptor)
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        signal.alarm(30 * seconds)
        code = function(write)
    except BaseException:
        os.write(write, traceback.format_exc().encode())
    finally:
        os._exit(code)


# Mutants in a running session.


def _functions():
    """Return the functions of the project in memory by (file, name, first line)."""
    found = {}
    for thing in gc.get_objects():
        if isinstance(thing, types.FunctionType) and thing.__module__:
            code = thing.__code__
            if code.co_filename.startswith(str(ROOT / "allies")):
                key = (code.co_filename, code.co_qualname, code.co_firstlineno)
                found.setdefault(key, []).append(thing)
    return found


def function_around(source, first, last):
    """Return (name, first line) of the outermost function with these lines in its body, or None."""

    def search(node, names):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef):
                if found := search(child, [*names, child.name]):
                    return found
            elif isinstance(child, ast.FunctionDef):
                if child.body[0].lineno <= first and last <= child.end_lineno:
                    line = min([child.lineno, *(d.lineno for d in child.decorator_list)])
                    return ".".join([*names, child.name]), line
            elif found := search(child, names):
                return found
        return None

    return search(ast.parse(source), [])


def _code(code, name, line):
    if code.co_qualname == name and code.co_firstlineno == line:
        return code
    inner = (c for c in code.co_consts if isinstance(c, types.CodeType))
    return next((found for c in inner if (found := _code(c, name, line))), None)


def _replace(functions, mutant, source):
    path = str(ROOT / mutant["module"])
    name, line = function_around((ROOT / mutant["module"]).read_text(), *mutant["lines"])
    new = _code(compile(source, path, "exec"), name, line)
    for function in functions.get((path, name, line), ()):
        function.__code__ = new
    return (path, name, line) in functions


def _use_own_files():
    """Use a separate data folder, so that forks do not share files."""
    from django.test.utils import override_settings

    folder = Path(tempfile.mkdtemp())
    override_settings(DATA_DIR=folder, MEDIA_ROOT=folder / "uploads").enable()


class Session:
    """A pytest plugin that replaces the test run: for each mutant, it runs the mutant's tests."""

    def __init__(self, jobs, finish):
        self.jobs = jobs  # (mutant, its source, its tests, seconds)
        self.finish = finish

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        items = {item.nodeid: item for item in session.items}
        # The first test sets up the session fixtures. With the session as ``nextitem``, all other
        # fixtures are torn down, and any test may follow.
        first = next(item for item in session.items if "db" in item.fixturenames)
        session.config.hook.pytest_runtest_protocol(item=first, nextitem=session)
        for module in modules():
            importlib.import_module(_dotted(module))
        functions = _functions()
        gc.collect()
        gc.freeze()  # so that forks share the memory of existing objects

        def job(mutant, source, tests):
            def run(write):
                _use_own_files()
                if not _replace(functions, mutant, source):
                    return NOT_HERE
                return _run_items([items[test] for test in tests if test in items], write)

            return run

        run_forked(
            ((m, seconds, job(m, source, tests)) for m, source, tests, seconds in self.jobs),
            self.finish,
        )
        return True


def _run_items(items, write):
    if not items:
        return NO_TESTS
    failed = []

    class Watch:
        def pytest_runtest_logreport(self, report):
            if report.failed:
                failed.append(report.nodeid if report.when == "call" else report.longreprtext)

    items[0].config.pluginmanager.register(Watch())
    for item, after in zip(items, [*items[1:], None], strict=True):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
        if failed:
            os.write(write, failed[0].encode())
            return 1
    return 0


# Mutants in new processes.


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Import one module from the source of a mutant."""

    def __init__(self, module, source):
        self.path = str(ROOT / module)
        self.name = _dotted(module)
        self.source = source

    def find_spec(self, name, path=None, target=None):
        if name != self.name:
            return None
        found = importlib.machinery.PathFinder.find_spec(name, path)
        found.loader = self
        return found

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        exec(compile(self.source, self.path, "exec"), module.__dict__)


class _Fresh:
    """A pytest plugin that reports the first failure."""

    def __init__(self, write):
        self.write = write

    def pytest_runtest_logreport(self, report):
        if report.failed:
            os.write(self.write, report.nodeid.encode())


def _fresh(mutant, source, tests):
    def run(write):
        sys.meta_path.insert(0, _Finder(mutant["module"], source))
        try:
            return int(pytest.main([*_PYTEST, *tests], plugins=[_Fresh(write)]))
        except Exception as error:  # the mutant cannot be imported, unlike the original
            os.write(write, f"its import: {error!r}".encode())
            return 1

    return run


def preload():
    """Import libraries that every fork needs and no mutant changes."""
    for name in ("django.test", "django_filters", "import_export.resources"):
        importlib.import_module(name)


def run_in_session(jobs, finish):
    """Run the tests of mutants inside functions; call ``finish(mutant, exit code, test)`` each."""
    files = sorted({test.partition("::")[0] for job in jobs for test in job[2]})
    pytest.main([*_PYTEST, *files], plugins=[Session(jobs, finish)])


def run_fresh(jobs, finish):
    """Run the tests of mutants that have their effect at import."""
    run_forked(
        ((m, seconds, _fresh(m, source, tests)) for m, source, tests, seconds in jobs), finish
    )
