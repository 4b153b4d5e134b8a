"""What mmengine cannot write into a config and read back."""

from pathlib import Path

import pytest
from mmengine.config import Config

from mmseg_dkd.utils.config_text import lost_in_text

KEPT = dict(
    path='/o\'brien/"x"/a\\b\n{c}',
    names=["driver's seat", ('tuple', None, True, 1e30)],
    labels={'bus-stop': 1, 'class': [2, 3], 4: 'number'},
)


def test_what_is_kept_comes_back(tmp_path):
    assert list(lost_in_text(KEPT)) == []
    Config(KEPT).dump(tmp_path / 'kept.py')
    assert Config.fromfile(tmp_path / 'kept.py').to_dict() == KEPT


@pytest.mark.parametrize(
    'value, words',
    [
        ({"driver's seat": 1}, 'a.b.1 has the key "driver\'s seat", which has a quote'),
        ({'a\\b': 1}, 'has a quote, a backslash'),
        ({'a\nb': 1}, 'or a control character'),
        ({'{{ fileDirname }}': 1}, 'has a quote, a backslash, "{{"'),
        ({'class': 1}, "a.b.1 has the key 'class', which is a word of Python"),
        ('/data/{{ fileDirname }}', "a.b.1 is '/data/{{ fileDirname }}': mmengine would replace"),
        ('{{$HOME:x}}', 'mmengine would replace'),
        (Path('/data'), "a.b.1 is PosixPath('/data'): write it as a text"),
        (float('inf'), 'a.b.1 is inf: write a large number'),
    ],
)
def test_what_is_lost_is_named(value, words, tmp_path):
    content = dict(a=dict(b=[1, value]))
    (problem,) = lost_in_text(content)
    assert words in problem
    path = tmp_path / 'lost.py'
    try:
        Config(content).dump(path)
        there = Config.fromfile(path).to_dict()
    except (SyntaxError, NameError):
        return
    assert there != content, 'it is refused for nothing'


def test_a_name_at_the_top_must_be_one_of_a_variable():
    problems = list(lost_in_text({'model': 1, 'not-a-name': 2}))
    assert problems == ["the config has the key 'not-a-name', which is no identifier: rename it"]
