"""Folders of the demo's scenes, and stock models that are taught."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmseg.registry import MODELS
from PIL import Image

from tests.teach.command import OLD


@pytest.fixture(scope='module')
def folders(scenes, tmp_path_factory) -> Path:
    """Folders ``sandal``, ``trouser`` and ``dress``, in whose masks these are 255, ``sneaker``,
    where it is 1, and ``test`` with all classes."""
    root = tmp_path_factory.mktemp('folders')

    def put(folder: str, path: Path, mask: np.ndarray) -> None:
        for kind in ('images', 'masks'):
            (root / folder / kind).mkdir(parents=True, exist_ok=True)
        image = (scenes / 'JPEGImages' / path.name).with_suffix('.jpg')
        shutil.copy(image, root / folder / 'images')
        Image.fromarray(mask).save(root / folder / 'masks' / path.name)

    for path in sorted((scenes / 'SegmentationClass').glob('*.png')):
        mask = np.asarray(Image.open(path))
        if path.name.startswith('val'):
            put('test', path, np.where(mask > 6, np.uint8(0), mask))
        elif (mask == 5).any():
            put('sandal', path, np.where(mask == 5, np.uint8(255), np.uint8(0)))
        elif (mask == 6).any():
            put('sneaker', path, np.where(mask == 6, np.uint8(1), np.uint8(0)))
        for label, name in ((2, 'trouser'), (4, 'dress')):
            if path.name.startswith('train') and (mask == label).any():
                put(name, path, np.where(mask == label, np.uint8(255), np.uint8(0)))
    names = ['background', *OLD, 'sandal', 'sneaker']
    (root / 'test/masks/classes.txt').write_text('\n'.join(names))
    return root


@pytest.fixture(scope='module')
def stock(ordinary, tmp_path_factory) -> dict[str, tuple[Path, Path]]:
    """Config and checkpoint of a stock model with background and of one without, untrained, whose
    classes all appear somewhere."""
    found = {}
    for kind, names in (('background', ('background', *OLD)), ('bare', OLD)):
        folder = tmp_path_factory.mktemp(kind)
        cfg = Config.fromfile(ordinary / 'fashion_4.py')
        cfg.model.decode_head.num_classes = len(names)
        cfg.custom_imports = None
        torch.manual_seed(0)
        model = MODELS.build(cfg.model)
        model.decode_head.conv_seg.weight.data.normal_(std=3)
        palette = [[number, 9, 9] for number in range(len(names))]
        meta = dict(dataset_meta=dict(classes=names, palette=palette))
        cfg.dump(folder / 'stock.py')
        torch.save(dict(state_dict=model.state_dict(), meta=meta), folder / 'stock.pth')
        found[kind] = folder / 'stock.py', folder / 'stock.pth'
    return found
