"""The gate before a release: what it writes, and when it fails."""

import hashlib
import json
import re
import shutil

import numpy as np
import pytest
from PIL import Image

from mmseg_dkd.cli.main import main
from mmseg_dkd.reports.certificate import model_files


@pytest.fixture
def photos(scenes, tmp_path):
    folder = tmp_path / 'photos'
    folder.mkdir()
    for path in (scenes / 'JPEGImages').glob('val_*.jpg'):
        shutil.copy(path, folder)
    return folder


def compare(finished, photos, out, *options, old=1, new=2):
    folders = [str(finished / f'step_{step}') for step in (old, new)]
    main(
        ['compare-models', *folders, '--data', str(photos), '--out', str(out)]
        + ['--device', 'cpu', *map(str, options)]
    )
    return json.loads((out / 'certificate.json').read_text())


def test_certificate_of_two_steps(finished, photos, tmp_path, capsys):
    said = compare(finished, photos, tmp_path / 'out')
    assert said['images'] == 8 and said['iou'] == {}
    for which, step in (('old', 1), ('new', 2)):
        for name, digest in said['models'][which].items():
            content = (finished / f'step_{step}' / name).read_bytes()
            assert digest == hashlib.sha256(content).hexdigest()
        assert {name.rpartition('.')[2] for name in said['models'][which]} == {'py', 'pth'}
    assert sum(found['pixels'] for found in said['classes'].values()) == 8 * 64 * 64
    assert len(said['classes']) == 7
    assert len(list((tmp_path / 'out').glob('changed_*.png'))) == 4 == len(said['most_changed'])
    with Image.open(tmp_path / 'out/changed_0.png') as picture:
        assert picture.size == (3 * 64, 64)
    assert '| class of OLD | pixels | stayed | to new classes |' in capsys.readouterr().out


def test_a_model_is_itself(finished, photos, tmp_path):
    said = compare(finished, photos, tmp_path / 'out', '--exact', old=2)
    assert said['exact'] and set(said['most_changed'].values()) == {0}


def test_a_class_that_falls_fails(finished, photos, tmp_path):
    masks = tmp_path / 'masks/photos'
    masks.mkdir(parents=True)
    options = ['--masks', tmp_path / 'masks']
    # By these masks the old model is right everywhere; all else is a fall.
    main(
        ['predict', *map(str, model_files(finished / 'step_1')), '--device', 'cpu']
        + ['--images', str(photos), '--out', str(tmp_path / 'predicted')]
    )
    for path in (tmp_path / 'predicted/photos').glob('*.png'):
        labels = np.asarray(Image.open(path))
        Image.fromarray(np.where(labels == 0, np.uint8(1), labels)).save(masks / path.name)
    with pytest.raises(SystemExit, match='lost .* points'):
        compare(finished, photos, tmp_path / 'out', *options, '--allow=-100')
    said = compare(finished, photos, tmp_path / 'again', *options, '--allow', 100)
    assert said['iou'].keys() >= said['classes'].keys()


def test_what_is_missing_is_told(finished, photos, tmp_path):
    with pytest.raises(SystemExit, match=f'{re.escape(str(tmp_path))}.*a.png: no such mask'):
        shutil.copy(next(photos.iterdir()), photos / 'a.jpg')
        compare(finished, photos, tmp_path / 'out', '--masks', tmp_path / 'masks')
    (tmp_path / 'masks/photos').mkdir(parents=True)
    (tmp_path / 'masks/photos/a.png').write_bytes(b'no image')
    with pytest.raises(SystemExit, match='a.png: LoadAnnotations .* cannot read it whole'):
        compare(finished, photos, tmp_path / 'out', '--masks', tmp_path / 'masks')
    with pytest.raises(SystemExit, match='step_9 has no .pth: give the folder of a step'):
        compare(finished, photos, tmp_path / 'out', new=9)
    (tmp_path / 'step_3').mkdir()
    for name in 'a.py', 'b.py', 'c.pth':
        (tmp_path / 'step_3' / name).touch()
    with pytest.raises(SystemExit, match='has a.py, b.py: leave one'):
        compare(tmp_path, photos, tmp_path / 'out', old=3)
    with pytest.raises(SystemExit, match='is there already'):
        compare(finished, photos, photos)
    assert not (tmp_path / 'out').exists()
