"""Every config resolves to what it is known to resolve to, whatever base files it is made of."""

import json

import pytest

from .resolved import FILE, LEAVES, resolved

KNOWN = json.loads(FILE.read_text())
REMEDY = 'if this is meant: python -m tests.configs.resolved'


def test_every_config_is_known():
    assert sorted(KNOWN) == LEAVES, REMEDY


@pytest.mark.parametrize('name', LEAVES)
def test_config_resolves_to_what_is_known(name):
    actual, known = resolved(name), KNOWN[name]
    keys = actual.pop('keys').items() ^ known.pop('keys').items()
    assert sorted({key for key, _ in keys}) == [], f'keys that differ; {REMEDY}'
    assert actual == known, f'fingerprints of finished runs change; {REMEDY}'
