"""A run that nobody trained, for pages and pictures."""

import itertools
from pathlib import Path

import numpy as np
from PIL import Image

from mmseg_dkd.evaluation.scores import SCORES
from mmseg_dkd.utils.json_file import write_json

# What results.json and manifest.json have of a step besides.
UNKNOWN = dict.fromkeys(SCORES)
FINISHED = dict(checkpoint='iter_9.pth', recipe='0123')


def write_run(
    folder: Path, sizes: list[int], finished: int, samples: int = 2, word: str = 'class'
) -> list[dict]:
    """A run of which the first steps are finished; its results. Class 2 occurs nowhere."""
    rng = np.random.default_rng(0)
    names = ['background', *(f'{word} {c}' for c in range(1, sum(sizes) + 1))]
    palette = rng.integers(0, 256, (len(names), 3)).ravel().tolist()
    entries = []
    for step in range(finished):
        seen = names[: 1 + sum(sizes[: step + 1])]
        iou = dict(zip(seen, rng.uniform(0, 100, len(seen)).tolist(), strict=True)) | {
            names[2]: None
        }
        scores = dict(zip(SCORES, rng.uniform(0, 100, 4).tolist(), strict=True))
        if step == 0:
            scores.update(miou_novel=None, hiou=None)
        choices = dict(method='DKD', lr=0.01 / 10 ** min(step, 1), components=dict(KD=True))
        entries.append(dict(step=step, **scores, per_class_iou=iou, choices=choices))
        place = folder / f'step_{step}' / 'samples'
        place.mkdir(parents=True)
        ids = iter(range(1, sum(sizes) + 1))
        steps = [list(itertools.islice(ids, size)) for size in sizes]
        scenario = dict(name=steps, num_classes=sum(sizes))
        (place.parent / 'config.py').write_text(f'scenario = {scenario}\n')
        if samples:
            (place / 'classes.txt').write_text(''.join(f'{name}\n' for name in names))
        for number in range(samples):
            Image.new('RGB', (40, 30), (0, 0, 40 * number)).save(place / f'{number}_image.png')
            for kind, label in (('truth', 1), ('prediction', len(seen) - 1)):
                mask = Image.fromarray(np.full((30, 40), label * number, np.uint8))
                mask.putpalette(palette)
                mask.save(place / f'{number}_{kind}.png')
    write_json(folder / 'results.json', entries)
    costs = {
        str(t): dict(
            checkpoint=f'step_{t}/iter_9.pth',
            recipe=f'{t:016x}',
            sha256=f'{t}' * 64,
            images=10 + t,
            seconds=90.0 * t,
        )
        for t in range(finished)
    }
    write_json(folder / 'manifest.json', dict(config='dkd/x.py', steps=costs))
    return entries
