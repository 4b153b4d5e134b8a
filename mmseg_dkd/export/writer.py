"""Writes a step's model without this package, and compares it with the original."""

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from mmengine.config import Config, ConfigDict
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import init_default_scope
from mmseg.models import EncoderDecoder
from mmseg.registry import DATASETS, MODELS
from torch import Tensor

from ..engine import hand_over
from ..scenario import Scenario
from .plain import plain_model, plain_state, plain_test, write_config
from .to_onnx import Logits, write_onnx

FORMATS = ('mmseg', 'onnx')
# Of the largest logit: more than rounding does.
TOLERANCE = 1e-3


@dataclass
class Exported:
    """A written model, and how far it is from the original on random images.

    ``difference``: the largest difference of two logits; ``largest``: the largest logit;
    ``labels``: the share of pixels with the same label.
    """

    path: Path
    difference: float
    largest: float
    labels: float

    def __str__(self) -> str:
        return (
            f'{self.path}: logits up to {self.largest:.3g} differ by {self.difference:.2g} at most '
            f'from those of the checkpoint, {100 * self.labels:.2f} % of the labels are the same'
        )


def export(
    cfg: Config, checkpoint: str | Path, out_dir: str | Path, formats: Sequence[str] = ('mmseg',)
) -> list[Exported]:
    """Write a step's model so that it needs nothing of this package.

    ``'mmseg'``: a config and a checkpoint of an ``EncoderDecoder`` (:mod:`mmseg_dkd.export.plain`).
    ``'onnx'``: that model by :func:`mmseg_dkd.export.to_onnx.write_onnx`; the metadata of the file
    has ``classes``, ``palette`` and how images are normalised: ``channels``, ``mean``, ``std``.

    Args:
        cfg: The config of the step, or that of all steps with the last one's checkpoint.
        checkpoint: The step's checkpoint.
        out_dir: A folder that is new or empty; it gets all files or none.
        formats: Of ``FORMATS``.

    Raises:
        FileNotFoundError: If there is no such checkpoint, or it has no class names and there is no
            data set to ask for them.
        ImportError: If a format needs a package that is not installed.
        RuntimeError: If a written model says something else than the original.
        TypeError: If the method cannot be written so (:func:`.plain_state`).
        ValueError: If there is no such format, the folder holds something, the config is not of an
            incremental model, the checkpoint is not of its scenario and step, or something in the
            config needs this package.
    """
    if wrong := [name for name in formats if name not in FORMATS]:
        raise ValueError(
            f'there is no format {", ".join(wrong)}: name some of {", ".join(FORMATS)}'
        )
    out_dir = Path(out_dir)
    if out_dir.exists() and not (out_dir.is_dir() and not any(out_dir.iterdir())):
        raise ValueError(f'{out_dir} holds something already: give a folder that is new or empty')
    model_cfg: ConfigDict = cfg.get('model') or ConfigDict()
    if model_cfg.get('type') != 'IncrementalSegmentor':
        raise ValueError(
            f'{cfg.filename}: the model is a {model_cfg.get("type")}, not an IncrementalSegmentor'
        )
    scenario = Scenario(**model_cfg.decode_head.scenario)
    step = scenario.check_step(model_cfg.decode_head.get('step'))
    loaded = hand_over.load(checkpoint, scenario, step)
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    classes, palette = _names(loaded, cfg)
    original = _build(model_cfg, loaded['state_dict'])
    # Without a background, the first channel never wins, and the plain model has none.
    first = int(not original.decode_head.background)
    classes, palette = classes[first:], palette[first:]
    plain_cfg = plain_model(model_cfg.to_dict(), len(classes))
    plain_cfg['decode_head'] = original.decode_head.plain_head(plain_cfg['decode_head'])
    plain = revert_sync_batchnorm(MODELS.build(ConfigDict(plain_cfg))).eval()
    state = plain_state(original, plain.state_dict())
    plain.load_state_dict(state, strict=True)
    name = f'{Path(cfg.filename).stem}_step_{step}'
    written = []
    out_dir.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out_dir.parent, prefix=f'.{out_dir.name}.') as beside:
        folder = Path(beside, 'whole')
        folder.mkdir()
        if 'mmseg' in formats:
            test = plain_test(cfg, scenario, step, classes, palette)
            title = f'Step {step} of scenario {scenario.name}, from {Path(cfg.filename).stem!a}.'
            write_config(folder / f'{name}.py', cfg, plain_cfg, test, title)
            meta = dict(
                dataset_meta=dict(classes=classes, palette=palette),
                exported_from=hand_over.describe(scenario, step),
            )
            torch.save(dict(meta=meta, state_dict=state), folder / f'{name}.pth')
            written.append(_compared(out_dir / f'{name}.pth', original, Logits(plain), first))
        if 'onnx' in formats:
            prepared = _preparation(plain_cfg['data_preprocessor'])
            about = dict(classes=classes, palette=palette, **prepared)
            answer = write_onnx(plain, folder / f'{name}.onnx', about)
            written.append(_compared(out_dir / f'{name}.onnx', original, answer, first))
        # An empty folder gives way.
        os.replace(folder, out_dir)
    return written


def _names(loaded: dict, cfg: Config) -> tuple[list[str], list[list[int]]]:
    """Names and colours of the classes, of the data set where a (converted) checkpoint has none."""
    meta = loaded['meta'].get('dataset_meta')
    if meta is None:
        meta = DATASETS.build(cfg.test_dataloader.dataset).metainfo
    return list(meta['classes']), [[int(value) for value in colour] for colour in meta['palette']]


def _preparation(preprocessor: dict) -> dict:
    """What mmseg does to an image, 0 to 255, before the network: order of channels, mean, std."""
    return dict(
        channels='RGB' if preprocessor.get('bgr_to_rgb') else 'BGR',
        mean=preprocessor.get('mean'),
        std=preprocessor.get('std'),
    )


def _build(cfg: dict, state: dict[str, Tensor]) -> EncoderDecoder:
    model = revert_sync_batchnorm(MODELS.build(ConfigDict(cfg)))
    model.load_state_dict(state, strict=True)
    return model.eval()


@torch.no_grad()
def _compared(
    path: Path, original: EncoderDecoder, answer: Callable[[Tensor], Tensor], first: int
) -> Exported:
    images = torch.randn(1, 3, 160, 128, generator=torch.Generator().manual_seed(0))
    expected, actual = Logits(original)(images)[:, first:], answer(images)
    found = Exported(
        path=path,
        difference=(actual - expected).abs().max().item(),
        largest=expected.abs().max().item(),
        labels=(actual.argmax(1) == expected.argmax(1)).double().mean().item(),
    )
    if not found.difference <= TOLERANCE * max(1.0, found.largest):
        raise RuntimeError(f'nothing was written: {found}')
    return found
