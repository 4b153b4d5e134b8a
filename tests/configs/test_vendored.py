"""The vendored base configs must say what the installed mmsegmentation's own say."""

from pathlib import Path

import mmseg
import pytest
from mmengine.config import Config

VENDORED = Path(__file__).parents[2] / 'configs' / '_base_'
INSTALLED = Path(mmseg.__file__).parent / '.mim' / 'configs' / '_base_'


@pytest.mark.parametrize(
    'name',
    [
        'models/deeplabv3_r50-d8.py',
        'models/deeplabv3plus_r50-d8.py',
        'models/pspnet_r50-d8.py',
        'models/segformer_mit-b0.py',
        'models/upernet_swin.py',
        'datasets/pascal_voc12.py',
        'datasets/pascal_voc12_aug.py',
        'datasets/ade20k.py',
        'default_runtime.py',
    ],
)
def test_vendored_config_equals_installed_one(name: str) -> None:
    if not INSTALLED.is_dir():
        pytest.skip(f'the installed mmsegmentation carries no configs: {INSTALLED} is missing')
    vendored = Config.fromfile(VENDORED / name).to_dict()
    installed = Config.fromfile(INSTALLED / name).to_dict()
    assert vendored == installed, f'{name} differs: copy {INSTALLED / name} again, keep the header'
