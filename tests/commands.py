"""Commands in pages and in the headers of configs, and what the scripts take."""

import argparse
import ast
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from mmseg_dkd.cli.main import make_parser
from tests.tiny import REPOSITORY

SCRIPT = re.compile(r'(?:tools|benchmarks|dev)/\w+\.(?:py|sh)')
BLOCK = re.compile(r'^```bash\n(.*?)^```', re.M | re.S)
INLINE = re.compile(r'(?:python )?(?:tools|benchmarks|dev)/|mmseg-dkd ')
SPAN = re.compile(r'`([^`\n]+)`')


@dataclass(frozen=True)
class Command:
    """A script of this repository or a command of ``mmseg-dkd``, and the words behind it."""

    script: str
    words: tuple[str, ...]

    @property
    def options(self) -> set[str]:
        """The long options."""
        return {word.split('=')[0] for word in self.words if re.match(r'--\w', word)}


def command_in(line: str) -> Command | None:
    """The command of a line of bash; None if it starts no script of this repository."""
    words = shlex.split(line, comments=True)
    for place, word in enumerate(words):
        if SCRIPT.fullmatch(word):
            return Command(word, tuple(words[place + 1 :]))
        if word in ('mmseg-dkd', 'mmseg_dkd') and words[place + 1 :]:
            return Command(f'mmseg-dkd {words[place + 1]}', tuple(words[place + 2 :]))
    return None


def commands_of_page(text: str) -> list[Command]:
    """Commands in the blocks of bash of a page of Markdown, and in code within its sentences."""
    lines = []
    for block in BLOCK.findall(text):
        lines += block.replace('\\\n', ' ').splitlines()
    spans = SPAN.findall(BLOCK.sub('', text))
    lines += [span for span in spans if INLINE.match(span)]
    return [command for command in map(command_in, lines) if command]


def commands_of_config(text: str) -> list[Command]:
    """Commands in the comment that a config opens with, indented by three blanks."""
    header = re.match(r'(?:#.*\n)*', text)[0]
    lines = [line[4:] for line in header.splitlines() if line.startswith('#   ')]
    return [command for command in map(command_in, lines) if command]


@cache
def options_of(script: str) -> frozenset[str]:
    """Long options of a script; a shell script takes those of the Python scripts it starts."""
    if script.startswith('mmseg-dkd '):
        return frozenset(options_below(commands()[script.removeprefix('mmseg-dkd ')]))
    source = (REPOSITORY / script).read_text()
    if script.endswith('.sh'):
        started = re.findall(r'(\w*)/(\w+\.py)"? ', source)
        # A script of tools/ finds what it starts beside it, whatever folder that is.
        return frozenset().union(*(options_of(f'{at or "tools"}/{name}') for at, name in started))
    if command := re.search(r"run_tool\('(.+)'\)", source):
        return options_of(f'mmseg-dkd {command[1]}')
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    named = [
        word.value
        for call in calls
        if getattr(call.func, 'attr', None) == 'add_argument'
        for word in call.args
        if isinstance(word, ast.Constant)
    ]
    return frozenset(['--help', *(name for name in named if name.startswith('--'))])


def commands() -> dict[str, argparse.ArgumentParser]:
    """The parser of every command of ``mmseg-dkd``."""
    (choices,) = (a.choices for a in make_parser()._actions if a.choices)
    return dict(choices)


def options_below(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Long options of a parser, and of its commands where it has any."""
    for action in parser._actions:
        yield from (option for option in action.option_strings if option.startswith('--'))
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from options_below(below)
