"""Every head and every backbone that mmseg registers: it lives through two steps, or says why not.

docs/models.md has the tables; the last test says what they must be.
"""

import copy
import re
from functools import cache
from importlib.util import find_spec
from inspect import isclass
from pathlib import Path

import mmseg
import pytest
from mmengine.registry import DefaultScope
from mmseg.models import backbones, decode_heads
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS

from mmseg_dkd.models.base_heads import INCREMENTAL_HEADS
from tests.models.life import DKD, incremental, live
from tests.models.stock_backbones import BACKBONES
from tests.models.stock_heads import HEADS
from tests.tiny import REPOSITORY

# What mmseg says if a package is not there.
NEEDS = {
    'Please install': 'the compiled operators of mmcv (`mmcv.ops`)',
    'timm is not installed': '`timm`',
    'To use VPD model': '`ldm` (latent diffusion)',
}


@pytest.fixture(autouse=True)
def scope():
    """As in a run: parts of some backbones are looked up in it."""
    with DefaultScope.overwrite_default_scope('mmseg'):
        yield


def result(error: Exception) -> str:
    """A cell of the table."""
    text = str(error)
    for sign, package in NEEDS.items():
        if sign in text:
            return f'not run: needs {package}'
    reason = text.split('. Heads that can be:')[0].partition('cannot be ')[2]
    return f'refused: {reason.partition(": ")[2] or reason}'


@cache
def head_result(name: str) -> str:
    cfg = copy.deepcopy(HEADS[name])
    backbone = cfg.pop('backbone', dict(type='Pyramid'))
    try:
        MODELS.build(DKD | cfg)
    except TypeError as error:
        return result(error)
    assert not live(dict(backbone=backbone, decode_head=cfg), size=64)
    return 'works'


@cache
def backbone_result(name: str) -> str:
    cfg = copy.deepcopy(BACKBONES[name])
    size = cfg.pop('size', 32)
    cfg['backbone'].setdefault('type', name)
    heads = {part: incremental(cfg.get(part)) for part in ('decode_head', 'auxiliary_head')}
    try:
        MODELS.build(copy.deepcopy(dict(cfg, type='IncrementalSegmentor', **heads)))
    except (TypeError, RuntimeError, AssertionError) as error:
        return result(error)
    unreached = live(cfg, size)
    assert not unreached, f'distributed training would wait for {unreached}'
    return 'works'


def test_nothing_that_mmseg_registers_is_left_out():
    registered = {
        name
        for name, part in MODELS.module_dict.items()
        if isclass(part)
        and issubclass(part, BaseDecodeHead)
        and part.__module__.startswith(('mmseg.', 'mmseg_dkd.'))
    }
    # What an exact step is written as, not what it is made of.
    registered -= {'WidenedHead'}
    named = {name for name in decode_heads.__all__ if name.endswith('Head')}
    assert set(HEADS) == registered | named
    assert set(BACKBONES) == {*backbones.__all__, 'EfficientNetLite'}


@pytest.mark.parametrize('name', HEADS)
def test_head(name):
    found = head_result(name)
    compiled = {'CCHead', 'PSAHead'} if find_spec('mmcv._ext') else set()
    assert (found == 'works') == (name in {*INCREMENTAL_HEADS, *compiled}), found
    assert found.startswith(('works', 'refused: it ', 'not run: needs '))


@pytest.mark.parametrize('name', BACKBONES)
def test_backbone(name):
    assert backbone_result(name).startswith(('works', 'refused: ', 'not run: needs '))


def test_every_refusal_names_the_heads_that_work():
    with pytest.raises(TypeError) as caught:
        MODELS.build(DKD | HEADS['DAHead'])
    said = str(caught.value)
    assert 'cam_conv_seg, pam_conv_seg' in said
    assert said.endswith(f'Heads that can be: {", ".join(INCREMENTAL_HEADS)}')


def foreign() -> list[str]:
    """Backbones of other packages that mmseg's recipes use."""
    files = (Path(mmseg.__file__).parent / '.mim/configs/_base_/models').glob('*.py')
    found = re.findall(r"type='(mmpretrain\.\w+)'", ''.join(file.read_text() for file in files))
    return sorted(set(found))


def kinds(heads: dict | list | None) -> str:
    """Names of one head or of several."""
    heads = heads if isinstance(heads, list) else [heads] if heads else []
    names = [head['base_type'] for head in heads]
    return ', '.join(
        f'{names.count(n)} x {n}' if len(names) > 1 else n for n in dict.fromkeys(names)
    )


def tables() -> list[str]:
    """The two tables of docs/models.md."""
    heads = ['| decode head | |', '|---|---|']
    heads += [f'| `{name}` | {head_result(name)} |' for name in sorted(HEADS)]
    lines = ['| backbone | | decode head | auxiliary heads | neck |', '|---|---|---|---|---|']
    for name, cfg in sorted(BACKBONES.items()):
        found = backbone_result(name)
        parts = [kinds(cfg['decode_head']), kinds(cfg.get('auxiliary_head'))]
        parts.append(cfg.get('neck', {}).get('type', ''))
        parts = parts if found == 'works' else [''] * 3
        lines.append(f'| `{name}` | {" | ".join([found, *parts])} |')
    lines += [f'| `{name}` | not run: needs `mmpretrain` | | | |' for name in foreign()]
    lines = [re.sub(r'(?<=\|) +(?=\|)', ' ', line) for line in lines]
    return ['\n'.join(heads), '\n'.join(lines)]


@pytest.mark.skipif(
    any(map(find_spec, ('mmcv._ext', 'timm', 'ldm'))),
    reason='the page is of a machine without the packages that it calls missing',
)
def test_page_says_what_was_found():
    page = (REPOSITORY / 'docs/models.md').read_text()
    for table in tables():
        assert f'\n\n{table}\n\n' in page, f'docs/models.md should have this table:\n\n{table}\n'
