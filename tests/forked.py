"""A tool of this repository in a process of its own that need not import torch and mmseg again."""

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

from tests.tiny import REPOSITORY


def forked(tool: str | Path, *arguments) -> subprocess.CompletedProcess:
    """What ``python TOOL ARGUMENTS`` in the repository would do, and print.

    That a tool imports all that it needs does not show here: that takes a new Python.
    """
    words = [str(word) for word in (tool, *arguments)]
    with tempfile.TemporaryFile('w+') as out, tempfile.TemporaryFile('w+') as err:
        process = multiprocessing.get_context('fork').Process(target=_run, args=(words, out, err))
        process.start()
        process.join()
        for file in (out, err):
            file.seek(0)
        return subprocess.CompletedProcess(words, process.exitcode, out.read(), err.read())


def _run(words: list[str], out: IO[str], err: IO[str]) -> None:
    for own, file in ((1, out), (2, err)):
        os.dup2(file.fileno(), own)
    sys.stdout, sys.stderr, sys.argv = os.fdopen(1, 'w'), os.fdopen(2, 'w'), words
    os.chdir(REPOSITORY)
    runpy.run_path(words[0], run_name='__main__')
