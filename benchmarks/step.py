"""A whole iteration of DKD's step 1 on DeepLabV3-ResNet-101, from images to changed weights."""

from functools import partial
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.flop_counter import FlopCounterMode

from mmseg_dkd.engine.hand_over import build_teacher, start_state
from mmseg_dkd.engine.resolve import step_config
from mmseg_dkd.models import IncrementalSegmentor

from .measure import Part, Stopwatch, matrix_rate
from .plain_losses import make_plain

CONFIGS = Path(__file__).resolve().parents[1] / 'configs/dkd'
DEVICE = torch.device('cuda' if torch.cuda.is_available() else 'cpu')


class Iteration:
    """One iteration of training, mixed precision off, again and again on the same random images.

    Ours is what a run of the config does. Plain has the losses of ``plain_losses`` and a teacher
    as it was trained; all else is the same, random weights included.

    Args:
        cfg: The config of all steps.
        images: N.
        plain: Which of both.
    """

    def __init__(self, cfg: Config, images: int, plain: bool) -> None:
        # Memory is measured in a process of its own.
        init_default_scope('mmseg')
        torch.backends.cudnn.benchmark = cfg.env_cfg.cudnn_benchmark
        torch.manual_seed(0)
        size = cfg.model.data_preprocessor.size
        self.images = torch.randn(images, 3, *size)
        old = _trained(cfg, self.images)
        self.images = self.images.to(DEVICE)
        cfg = step_config(cfg, 1)
        self.model = revert_sync_batchnorm(MODELS.build(cfg.model))
        state = old.state_dict()
        self.model.load_state_dict(start_state(state, self.model))
        if plain:
            make_plain(self.model.decode_head)
        self.model.to(DEVICE).train()
        teacher = old.to(DEVICE) if plain else build_teacher(cfg.model, state, 0, DEVICE)
        self.model.set_teacher(teacher)
        self.samples = random_samples(images, size, self.model.decode_head.new_labels)
        self.optimizer = build_optim_wrapper(
            self.model, dict(cfg.optim_wrapper, type='OptimWrapper')
        )

    def terms(self) -> dict[str, torch.Tensor]:
        """The four losses."""
        return self.model.loss(self.images, self.samples)

    def __call__(self) -> float:
        loss = self.model.parse_losses(self.terms())[0]
        self.optimizer.update_params(loss)
        return loss.item()

    def shares(self, repeats: int) -> dict[str, float]:
        """What part of its time each part of the iteration takes; their sum is 1."""
        watch, model = Stopwatch(), self.model
        watch.charge(model.teacher, 'extract_feat', 'teacher')
        watch.charge(model.teacher.decode_head, 'teacher_outputs', 'teacher')
        watch.charge(model, 'extract_feat', 'forward')
        watch.charge(model.decode_head, 'feature', 'forward')
        watch.charge(model, 'loss', 'losses')
        watch.charge(self.optimizer, 'backward', 'backward')
        watch.charge(self.optimizer, 'step', 'optimizer')
        watch.charge(self.optimizer, 'zero_grad', 'optimizer')
        for _ in range(repeats):
            self()
        seconds = watch.seconds()
        # The model's loss contains both networks.
        seconds['losses'] -= seconds['teacher'] + seconds['forward']
        return {name: value / sum(seconds.values()) for name, value in seconds.items()}

    def network_flop(self) -> int:
        """Floating point operations of the convolutions and linear layers of an iteration."""
        with FlopCounterMode(display=False) as counter:
            self()
        aten = torch.ops.aten
        counted = (aten.convolution, aten.convolution_backward, aten.addmm)
        flop = counter.get_flop_counts()['Global']
        return sum(value for op, value in flop.items() if op in counted)


def _trained(cfg: Config, images: torch.Tensor) -> IncrementalSegmentor:
    """The model of step 0 with random weights, whose BatchNorms have seen images."""
    cfg = step_config(cfg, 0).model
    cfg.backbone.init_cfg = None
    model = revert_sync_batchnorm(MODELS.build(cfg)).train()
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        # Half of the variance stays 1: that of two pooled images may be next to nothing.
        norm.momentum = 0.5
    with torch.no_grad():
        model.decode_head.feature(model.extract_feat(images))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    return model.eval().requires_grad_(False)


def random_samples(images: int, size: tuple[int, int], labels: range) -> list[SegDataSample]:
    """Labels of four by four areas an image, unknown among them; sides are multiples of four."""
    generator = torch.Generator().manual_seed(0)
    areas = torch.randint(labels[0] - 1, labels[-1] + 1, (images, 4, 4), generator=generator)
    areas[areas < labels[0]] = 0
    label = areas.repeat_interleave(size[0] // 4, 1).repeat_interleave(size[1] // 4, 2).to(DEVICE)
    return [SegDataSample(gt_sem_seg=PixelData(data=one[None])) for one in label]


def part(config: str, gpu: bool, quick: bool) -> Part:
    """An iteration of a config of DeepLabV3-ResNet-101.

    Args:
        config: Name of a file in ``configs/dkd``.
        gpu: At the config's size and batch, which needs a GPU; else N=2 and 192 x 192.
        quick: 128 x 128 in place of 192 x 192, and fewer repeats.
    """
    cfg = Config.fromfile(CONFIGS / f'{config}.py')
    images = 2
    if gpu:
        images = cfg.train_dataloader.batch_size
    else:
        cfg.model.data_preprocessor.size = (128, 128) if quick else (192, 192)
    height, width = cfg.model.data_preprocessor.size
    classes = cfg.scenario.num_classes
    return Part(
        f'iteration of {config}, DeepLabV3-R101, C={classes}, N={images}, {height} x {width}, '
        'float32',
        partial(Iteration, cfg, images, plain=False),
        partial(Iteration, cfg, images, plain=True),
        repeats=3 if quick else 7,
        further=partial(_further, cfg, images, quick),
        gpu=gpu,
    )


def _further(cfg: Config, images: int, quick: bool, found: dict) -> dict:
    """Images a second, shares of the iteration, and the rate of the networks' operations as a part
    of that of a product of matrices: by the clock with a GPU, else in time of processors."""
    figures, rate = {}, matrix_rate(quick)
    for side, plain in (('ours', False), ('plain', True)):
        iteration = Iteration(cfg, images, plain)
        flop = iteration.network_flop()
        seconds = found[side]['seconds']
        if DEVICE.type == 'cpu':
            seconds = found[side]['cpu_seconds'] / torch.get_num_threads()
        figures[f'{side}_images_per_second'] = images / seconds
        figures[f'{side}_of_matrix_rate'] = flop / seconds / rate
        figures[f'{side}_shares'] = iteration.shares(2 if quick else 5)
        del iteration
    return figures | dict(network_gflop=flop / 1e9, matrix_gflop_per_second=rate / 1e9)
