"""A folder of masks that label some of the classes, with values of their own."""

from collections.abc import Sequence
from pathlib import Path

from mmseg.datasets import BaseSegDataset
from mmseg.registry import DATASETS

from ..labels import VOID
from ..utils.json_file import TEXT, read_json

VOID_NAME = 'void'


@DATASETS.register_module()
class LabelledFolder(BaseSegDataset):
    """A ``BaseSegDataset`` that says what the values in its masks mean.

    So several folders, each labelled for a new class, make one data set::

        dict(type='LabelledFolder', metainfo=dict(classes=['background', 'box', 'forklift']),
             data_root='mydata', labels=dict(background=0, forklift=1), ...)

    Args:
        labels: Names of classes in ``metainfo``, and ``'void'`` for pixels that nobody labelled,
            each with its value in the masks (0 to 255) or a list of values. 255 is void unless it
            is named. A mask with any other value is refused by the presence index.
        labelled_for: The classes that somebody looked for in these images; all if omitted. A class
            that nobody looked for may be in a pixel without a label. So it learns nothing from
            these images, and is not scored on them. Where images differ, the path of a JSON file,
            below ``data_root``, with such a list for each image, by its name without suffix.
        from_step: The step from which on these images are there, to train and to test on. For
            photographs that have come for a step that learns known classes anew.
        **kwargs: As for ``BaseSegDataset``, without ``reduce_zero_label``.

    Raises:
        ValueError: If a name is no class, a class is called ``'void'``, a value is not in 0 to 255
            or is there twice, ``labels`` has a class that nobody looked for, ``from_step`` is no
            step, or the folder has no image.
    """

    def __init__(
        self,
        labels: dict[str, int | list[int]],
        labelled_for: Sequence[str] | str | None = None,
        from_step: int = 0,
        **kwargs,
    ) -> None:
        # True would be taken for 1.
        if type(from_step) is not int or from_step < 0:
            raise ValueError(f'from_step={from_step!r} of {labels}: give the number of a step')
        self.from_step = from_step
        self.labels = labels
        self.labelled_for = labelled_for
        super().__init__(**kwargs)

    def load_data_list(self) -> list[dict]:
        """mmseg's list of the images, with the meaning of the values as ``label_map``."""
        label_map = self._meaning()
        facts = dict(label_map=label_map, from_step=self.from_step)
        infos = [dict(info, **facts) for info in super().load_data_list()]
        if not infos:
            place = self.ann_file or f'{self.data_prefix["img_path"]}/*{self.img_suffix}'
            raise ValueError(f'{place}: no image there: set data_prefix, ann_file or img_suffix')
        if self.labelled_for is not None:
            images = [Path(info['img_path']).name.removesuffix(self.img_suffix) for info in infos]
            infos = [
                dict(info, labelled_for=looked_for)
                for info, looked_for in zip(infos, self._looked_for(images), strict=True)
            ]
        return infos

    def _looked_for(self, images: list[str]) -> list[tuple[int, ...]]:
        """Labels of the classes that somebody looked for in each image."""
        names, given = list(self.metainfo.get('classes') or ()), self.labelled_for
        folder = f'labelled_for={given} of {self.data_prefix.get("seg_map_path")}'
        if isinstance(given, str):
            file = Path(self.data_root or '.', given)
            listed = read_json(file, None, {TEXT: [TEXT]}, remedy='write a list for each image')
            if listed is None:
                raise ValueError(
                    f'{folder}: write a list of some of the classes {names}, or the path of a JSON '
                    f'file that has one for each image; {file} does not exist'
                )
            if lacking := [image for image in images if image not in listed]:
                raise ValueError(
                    f'{file}: it has no list for {lacking[0]!r}: add it, or [] for none'
                )
        else:
            listed = dict.fromkeys(images, list(given or ()))
        looked = {name for image in images for name in listed[image]}
        if not all(name in names for name in looked):
            raise ValueError(f'{folder}: write a list of some of the classes {names}')
        # A label 0 says that none of those looked for is there.
        nothing = (VOID_NAME, names[0])
        if extra := [name for name in self.labels if name not in (*looked, *nothing)]:
            raise ValueError(
                f'{folder}: labels have {extra[0]!r}, too: add it, or make its value void'
            )
        return [tuple(names.index(name) for name in listed[image]) for image in images]

    def _meaning(self) -> dict[int, int]:
        """Value in a mask to label: the place of the class in ``metainfo``."""
        folder = f'labels={self.labels} of {self.data_prefix.get("seg_map_path")}'
        if not isinstance(self.labels, dict):
            raise ValueError(f'{folder}: write labels=dict(background=0, ...)')
        if self.reduce_zero_label:
            raise ValueError(f'{folder} say what 0 means: leave reduce_zero_label out')
        names = list(self.metainfo.get('classes') or ())
        if VOID_NAME in names:
            raise ValueError(
                f'{folder}: a class is called {VOID_NAME!r}, which here means pixels that nobody '
                'labelled: give it another name in metainfo.classes'
            )
        label_map: dict[int, int] = {}
        for name, values in self.labels.items():
            if name not in (*names, VOID_NAME):
                raise ValueError(f'{folder}: {name!r} is none of the classes {names}')
            for value in values if isinstance(values, list | tuple) else [values]:
                # True would be taken for 1.
                if type(value) is not int or not 0 <= value <= 255:
                    raise ValueError(f'{folder}: {value!r} is no value of a mask, 0 to 255')
                if value in label_map:
                    raise ValueError(f'{folder}: the value {value} is there twice')
                label_map[value] = VOID if name == VOID_NAME else names.index(name)
        return {VOID: VOID, **label_map}
