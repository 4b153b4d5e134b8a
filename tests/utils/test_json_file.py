"""JSON files of another shape: told by file, key and remedy."""

import json

import pytest

from mmseg_dkd.utils.json_file import (
    COUNT,
    DEEPEST,
    FLAG,
    NUMBER,
    PERCENT,
    STEP,
    TEXT,
    parse_json,
    read_json,
)

SHAPE = [{'name': TEXT, 'sizes?': {STEP: [COUNT]}}]
RIGHT = [{'name': 'a'}, {'name': 'b', 'sizes': {'0': [], '12': [0, 7]}, 'more': None}]


def test_what_has_the_shape_is_read_and_the_default_needs_none(tmp_path):
    assert read_json(tmp_path / 'none.json', dict(a=1), SHAPE) == dict(a=1)
    (tmp_path / 'some.json').write_text(json.dumps(RIGHT))
    assert read_json(tmp_path / 'some.json', [], SHAPE) == RIGHT


@pytest.mark.parametrize(
    'text, words',
    [
        ('', 'Expecting value'),
        (b'\xff', "can't decode byte"),
        ('[' * 100_000, 'recursion'),
        ('[' * 60 + ']' * 60, f'deeper than {DEEPEST} levels'),
        ('["\\ud800"]', 'surrogates not allowed'),
        ('null', 'its content must be a list, but is None'),
        ('{}', 'its content must be a list, but is {}'),
        ('[null]', r'\[0\] must be an object, but is None'),
        ('[{"name": "a"}, {}]', r"\[1\] has no 'name'"),
        ('[{"name": 3}]', r'\[0\].name must be a text, but is 3'),
        ('[{"name": "a", "sizes": null}]', r'\[0\].sizes must be an object'),
        ('[{"name": "a", "sizes": {"x": []}}]', r"the key 'x' of \[0\].sizes must be the number"),
        ('[{"name": "a", "sizes": {"01": []}}]', "the key '01' of"),
        ('[{"name": "a", "sizes": {"1": [0, -1]}}]', r'\[0\].sizes.1\[1\] must be a whole number'),
    ],
)
def test_another_shape_is_told_by_file_key_and_remedy(text, words, tmp_path):
    file = tmp_path / 'some.json'
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=rf'some.json is damaged \(.*{words}.*\): do this$'):
        read_json(file, [], SHAPE, 'do this')


@pytest.mark.parametrize(
    'kind, right, wrong',
    [
        (COUNT, ['0', '12'], ['-1', '1.0', 'true', '"1"', 'null', '9' * 30]),
        (NUMBER, ['null', '-1', '0.5'], ['true', 'NaN', '1e999', '9' * 400, '"1"', '[]']),
        (PERCENT, ['null', '0', '100.00000000000001'], ['-1', '100.1', 'NaN', 'Infinity', 'true']),
        (FLAG, ['true', 'false'], ['0', 'null', '"true"']),
        (TEXT, ['""', '"a"'], ['1', 'null', '[]']),
    ],
    ids=lambda value: getattr(value, 'words', None),
)
def test_kinds_of_values(kind, right, wrong):
    for text in right:
        assert parse_json(text, 'x', kind) == json.loads(text)
    for text in wrong:
        with pytest.raises(ValueError, match=f'x is damaged .*{kind.words}'):
            parse_json(text, 'x', kind)
