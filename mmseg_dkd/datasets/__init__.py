"""What a step may see of a data set."""

from .area_crop import RandomAreaCrop
from .centre_crop import CentreCrop
from .demo.fashion import FashionDataset
from .draw_sampler import DrawSampler
from .labelled_folder import LabelledFolder
from .msrc import MSRCDataset
from .presence import class_presence
from .relabel import Relabel
from .step_dataset import StepDataset

__all__ = [
    'CentreCrop',
    'DrawSampler',
    'FashionDataset',
    'LabelledFolder',
    'MSRCDataset',
    'RandomAreaCrop',
    'Relabel',
    'StepDataset',
    'class_presence',
]
