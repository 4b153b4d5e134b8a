"""Label maps become outlines and back, to the pixel."""

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mmseg_dkd.annotations.masks import draw
from mmseg_dkd.annotations.outlines import outlines
from mmseg_dkd.annotations.picture import Picture, Region, from_polygons
from mmseg_dkd.cli.main import main

NAMES = ['background', 'a', 'b', 'c']


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    grain=st.integers(1, 6),
)
def test_filled_one_after_the_other_they_are_the_label_map(seed, size, grain):
    rng = np.random.RandomState(seed)
    coarse = rng.randint(0, 4, [side // grain + 1 for side in size])
    labels = coarse.repeat(grain, 0).repeat(grain, 1)[: size[0], : size[1]]
    shapes = outlines(labels, NAMES, ['background'])
    regions = [
        Region(shape.name, from_polygons([shape.points.ravel().tolist()], size, ''))
        for shape in shapes
    ]
    picture = Picture('x', size, Path(), regions)
    assert np.array_equal(draw(picture, size, NAMES[1:], Counter()), labels)
    for shape in shapes:
        assert (labels[shape.whole(size)] == NAMES.index(shape.name)).all()


def test_background_is_outlined_in_holes_alone():
    labels = np.ones((9, 12), int)
    labels[3:5, 4:8] = labels[8, 2:5] = 0
    found = [(shape.name, shape.mask.sum()) for shape in outlines(labels, NAMES, ['background'])]
    assert found == [('a', 97), ('background', 8)]


@pytest.mark.parametrize('written', ['labelme', 'coco'])
def test_what_is_predicted_comes_back(written, outspoken, scenes, tmp_path):
    config, checkpoint = outspoken
    (tmp_path / 'photos').mkdir()
    for path in sorted((scenes / 'JPEGImages').glob('val_*.jpg')):
        (tmp_path / 'photos' / path.name).write_bytes(path.read_bytes())
    for kind in ('png', written):
        main(
            ['predict', str(config), str(checkpoint), '--images', str(tmp_path / 'photos')]
            + ['--out', str(tmp_path / kind), '--format', kind, '--device', 'cpu']
        )
    names = (tmp_path / 'png/classes.txt').read_text().split('\n')[:-1]
    masks = {path.stem: np.asarray(Image.open(path)) for path in tmp_path.glob('png/photos/*.png')}
    assert len(masks) == 8 and len(names) == 9
    shown = [names[value] for value in np.unique(np.stack(list(masks.values()))) if value]
    assert len(shown) > 2, 'label maps of one class prove nothing'
    where = tmp_path / written / ('annotations.json' if written == 'coco' else '')
    main(
        ['prepare-masks', str(where), '--images', str(tmp_path / 'photos'), '--classes', *shown]
        + ['--out', str(tmp_path / 'back')]
    )
    for name, mask in masks.items():
        back = np.asarray(Image.open(tmp_path / f'back/photos/{name}.png'))
        values = np.array([0, *(names.index(name) for name in shown)])
        assert np.array_equal(values[back], mask)


@pytest.mark.parametrize('command', ['predict', 'prepare-masks'])
def test_a_damaged_image_is_named_and_nothing_is_written(command, outspoken, tmp_path):
    (tmp_path / 'photos').mkdir()
    (tmp_path / 'photos/a.jpg').write_bytes(b'no image')
    (tmp_path / 'a.json').write_text(
        '{"imagePath": "a.jpg", "imageHeight": 4, "imageWidth": 4, "shapes": []}'
    )
    given = [*map(str, outspoken)] if command == 'predict' else [str(tmp_path / 'a.json')]
    named = [] if command == 'predict' else ['--classes', 'a']
    with pytest.raises(SystemExit, match=r'a.jpg: LoadImageFromFile .* cannot read it whole'):
        main(
            [command, *given, '--images', str(tmp_path / 'photos'), '--out', str(tmp_path / 'out')]
            + named
        )
    assert not any(path.name.endswith('out') or 'whole' in path.name for path in tmp_path.iterdir())


def test_a_folder_that_is_there_and_a_missing_checkpoint(outspoken, tmp_path):
    config, checkpoint = map(str, outspoken)
    options = ['--images', str(tmp_path), '--out', str(tmp_path)]
    with pytest.raises(SystemExit, match=f'{re.escape(str(tmp_path))} is there already'):
        main(['predict', config, checkpoint, *options])
    with pytest.raises(SystemExit, match='nowhere.pth: no such file'):
        main(['predict', config, 'nowhere.pth', *options])
