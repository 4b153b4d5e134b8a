"""The pipeline of a step's data set: where it stands in a config."""

import copy

from mmengine.config import Config


def pipeline_of(cfg: dict) -> list[dict]:
    """The pipeline of a :class:`StepDataset`'s config: its own, or else its first data set's."""
    inner = cfg['dataset']
    return cfg.get('pipeline') or inner.get('datasets', [inner])[0]['pipeline']


def show_pipeline(cfg: Config) -> Config:
    """Put the pipeline of the test where mmseg's inferencers look for it.

    That is the config of the :class:`StepDataset` itself, and ``test_pipeline``. What is tested
    stays the same; nothing happens where the data sets have several pipelines.

    Args:
        cfg: Config of a step; changed in place.

    Returns:
        The config.
    """
    dataset = cfg.test_dataloader.dataset
    inner = dataset.dataset
    pipelines = [part.get('pipeline') for part in inner.get('datasets', [inner])]
    if not dataset.get('pipeline') and all(each == pipelines[0] for each in pipelines):
        dataset.pipeline = copy.deepcopy(pipelines[0])
    if dataset.get('pipeline') and 'test_pipeline' not in cfg:
        cfg.test_pipeline = copy.deepcopy(dataset.pipeline)
    return cfg
