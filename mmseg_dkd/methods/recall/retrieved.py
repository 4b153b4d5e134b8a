"""Retrieved images of old classes among the images of a step."""

from pathlib import Path
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.dataset import Compose
from mmseg.registry import DATASETS, TRANSFORMS

from ...datasets.pipelines import pipeline_of
from ...datasets.reading import image_loader_of, read_whole
from ...datasets.step_dataset import StepDataset
from ...labels import UNKNOWN

SUFFIXES = ('.bmp', '.jpeg', '.jpg', '.png', '.webp')
RETRIEVED = 'retrieved'


@TRANSFORMS.register_module()
class UnknownAnnotations(BaseTransform):
    """In place of ``LoadAnnotations``: an image of which nothing is known."""

    def transform(self, results: dict) -> dict:
        """Add ``gt_seg_map``, uint8 ``[H, W]``, all 0."""
        results['gt_seg_map'] = np.full(results['img'].shape[:2], UNKNOWN, np.uint8)
        results['seg_fields'].append('gt_seg_map')
        return results


@DATASETS.register_module()
class RetrievedReplay(StepDataset):
    """A :class:`.StepDataset` of which an item may be an image that was retrieved for an old class.

    ``web_root/<class name>/*`` holds the images of a class, by its name in the data set's
    ``metainfo``; there are no labels. Such an item goes through the same pipeline (of several data
    sets, the first one's), its labels are unknown (0), and the meta of its sample has the label of
    the class that it was retrieved for as ``retrieved``. Old classes are equally likely, and so are
    the images of a class.

    Args:
        web_root: The folder, with a sub-folder for each class of an earlier step.
        share: The probability that a retrieved image stands in for one of the step.
        **kwargs: As for :class:`.StepDataset`.

    Raises:
        FileNotFoundError: If the folder or that of an old class is not there.
        ValueError: If the folder of an old class has no image, or a file that is no whole one; or
            if ``share`` is no probability.
    """

    def __init__(self, *, web_root: str, share: float = 0.5, **kwargs: Any) -> None:
        if not 0 <= share < 1:
            raise ValueError(f'share must be a probability less than 1, got {share}')
        super().__init__(**kwargs)
        names = self.metainfo['classes'][1 : 1 + len(self.scenario.old(self.step))]
        loader = TRANSFORMS.build(image_loader_of(dict(pipeline=pipeline_of(kwargs))))
        self.retrieved = [_images_of(Path(web_root), name, loader) for name in names]
        self.share = share if names else 0.0
        unlabelled = [
            dict(type='UnknownAnnotations') if t['type'] == 'LoadAnnotations' else t
            for t in pipeline_of(kwargs)
        ]
        self._retrieved_pipeline = Compose(unlabelled)

    def without_replay(self) -> 'RetrievedReplay':
        """This data set, from now on with the images of the step alone."""
        self.share = 0.0
        super().without_replay()
        return self

    def _sample(self, idx: int) -> dict:
        """An image of the step, or a retrieved one in its place."""
        if np.random.random() >= self.share:
            return super()._sample(idx)
        place = np.random.randint(len(self.retrieved))
        images = self.retrieved[place]
        path = images[np.random.randint(len(images))]
        sample = self._retrieved_pipeline(dict(img_path=path, seg_fields=[]))
        sample['data_samples'].set_metainfo({RETRIEVED: place + 1})
        return sample


def _images_of(web_root: Path, name: str, loader: BaseTransform) -> list[str]:
    """The images of a class, sorted, each of which can be read."""
    folder = web_root / name
    remedy = f'put unlabelled images of the old class {name!r} there, or set web_root'
    if not folder.is_dir():
        raise FileNotFoundError(f'{folder} does not exist: {remedy}')
    files = sorted(str(file) for file in folder.iterdir() if file.suffix.lower() in SUFFIXES)
    if not files:
        raise ValueError(f'{folder} has no image ({", ".join(SUFFIXES)}): {remedy}')
    for file in files:
        try:
            # What was retrieved is often cut off, or no image but a page that says so.
            read_whole(file, dict(img_path=file), loader, 'img')
        except ValueError as error:
            raise ValueError(
                f'{file} is no image: delete it or retrieve it again ({error})'
            ) from error
    return files
