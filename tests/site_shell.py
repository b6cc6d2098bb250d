"""Run Python code in a live site, without loading Django for each piece of code.

The process loads Django with the settings of the site, which takes a second. It then runs each
piece of code in a fork, which has no connection to the database yet, and which ends with the code.
"""

import json
import os
import sys


def run(code, output):
    """Run code as `manage.py shell -c` does; write its stdout and stderr to a file."""
    from django.core.management import call_command

    file = os.open(output, os.O_WRONLY | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)
    call_command("shell", command=code, verbosity=0)


def serve():
    """For each JSON line of (code, output file), run the code and print its exit code."""
    import django

    django.setup()
    while line := sys.stdin.readline():
        child = os.fork()
        if child == 0:
            run(*json.loads(line))
            return
        _child, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    serve()
