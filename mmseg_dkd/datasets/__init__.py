"""What a step may see of a data set."""

from .area_crop import RandomAreaCrop
from .fashion import FashionDataset
from .presence import class_presence
from .relabel import Relabel
from .step_dataset import StepDataset

__all__ = ['FashionDataset', 'RandomAreaCrop', 'Relabel', 'StepDataset', 'class_presence']
