"""Every image of a data set, whatever the step."""

import numpy as np
from mmseg.registry import DATASETS

from .step_dataset import StepDataset


@DATASETS.register_module()
class AllImages(StepDataset):
    """Every image of a data set, with the labels of all classes, numbered as they are learned.

    Takes the arguments of :class:`.StepDataset` in test mode, whatever ``step`` says.
    """

    def __init__(self, dataset: dict, scenario: dict, step: int | None = None, **kwargs) -> None:
        super().__init__(dataset, scenario, **{**kwargs, 'test_mode': True})
        self.indices = self._of_part(np.arange(len(self.presence)))
