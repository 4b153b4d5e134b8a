"""How long an iteration takes here, and so how many a budget has."""

import time

import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from ..engine.hand_over import build_teacher
from ..engine.resolve import step_config
from ..models.segmentor import IncrementalSegmentor
from .recipe import KEEPS

TRIALS = 3
# The rest is for reading, testing, the export and the certificate.
OF_BUDGET = 0.6
LEAST = 50
MOST = {KEEPS['exact']: 400}
MOST_OF_OTHERS = 600


def seconds_of(cfg: Config) -> float:
    """Seconds of an iteration of step 1, on random images: the fastest of a few.

    Args:
        cfg: The config of both steps.
    """
    step = step_config(cfg, 1)
    device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    model: IncrementalSegmentor = revert_sync_batchnorm(MODELS.build(step.model)).to(device)
    if any(head.asks_teacher for head in model.incremental_heads.values()):
        before = MODELS.build(step_config(cfg, 0).model).state_dict()
        model.set_teacher(build_teacher(step.model, before, 0, device))
    crop, batch = step.model.data_preprocessor['size'], step.train_dataloader.batch_size
    images = torch.randn(batch, 3, *crop, device=device)
    label = torch.zeros(1, *crop, dtype=torch.int64, device=device)
    label[:, : crop[0] // 2] = model.decode_head.new_labels[0]
    samples = [SegDataSample(gt_sem_seg=PixelData(data=label)) for _ in range(batch)]
    model.train()
    taken = []
    for _ in range(TRIALS):
        start = time.perf_counter()
        with torch.autocast(device.type, enabled=step.optim_wrapper.type == 'AmpOptimWrapper'):
            losses = model.loss(images, samples)
        model.parse_losses(losses)[0].backward()
        if device.type == 'cuda':
            torch.cuda.synchronize()
        taken.append(time.perf_counter() - start)
    return min(taken)


def iterations_in(minutes: float, seconds: float, method: str) -> int:
    """How many iterations a budget has, as far as a method gains by them.

    Raises:
        ValueError: If they are too few to learn anything.
    """
    count = int(OF_BUDGET * 60 * minutes / seconds)
    if count < LEAST:
        needed = LEAST * seconds / OF_BUDGET / 60
        raise ValueError(
            f'--budget {minutes:g}: an iteration takes {seconds:.2g} s here, and {LEAST} are the '
            f'least: give {needed:.1f} minutes, or smaller images by --crop'
        )
    return min(count, MOST.get(method, MOST_OF_OTHERS))
