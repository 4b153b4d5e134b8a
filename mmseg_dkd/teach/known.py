"""The model that is to be taught: what it is, and what it knows."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config, ConfigDict
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS

from ..engine.start_from import load
from ..models.base_heads import find_base
from ..utils.config_parts import as_list, sections

BACKGROUND = 'background'


@dataclass(frozen=True)
class Known:
    """A model of mmsegmentation.

    Attributes:
        config, checkpoint: Its files.
        cfg: The config.
        classes: Names of its channels, background left out where it is one.
        palette: Their colours, that of background or of unlabelled pixels first.
        background: Whether one of its channels is background.
        head: Config of its head; of a model that was taught, of the head that is inside.
        taken: Numbers of classes that it was taught by ``--keep exact``, a number a time.
    """

    config: Path
    checkpoint: Path
    cfg: Config
    classes: tuple[str, ...]
    palette: tuple[tuple[int, ...], ...]
    background: bool
    head: ConfigDict
    taken: tuple[int, ...]

    def __str__(self) -> str:
        head, backbone = self.head.type, self.cfg.model.backbone.type
        last = 'background and ' if self.background else ''
        rest = '' if self.background else ', without background'
        return f'{head} on {backbone}, {last}{len(self.classes)} classes{rest} ({self.checkpoint})'

    def classes_with(self, taught: Sequence[str]) -> list[str]:
        """Its classes, then those of the taught ones that it does not know."""
        return list(dict.fromkeys([*self.classes, *taught]))

    def palette_with(self, taught: Sequence[str]) -> list[tuple[int, ...]]:
        """The palette, and colours that are not in it of those that it does not know."""
        new = len(self.classes_with(taught)) - len(self.classes)
        fresh = [c for c in colours_of(len(self.palette) + new) if c not in self.palette]
        return [*self.palette, *fresh[:new]]


def look_at(config: Path, checkpoint: Path, cfg: Config) -> Known:
    """What a config and its checkpoint are.

    Args:
        config, checkpoint: The files.
        cfg: The config.

    Raises:
        FileNotFoundError: If there is no such checkpoint.
        ValueError: If it is no ``EncoderDecoder`` with a softmax over several classes, its head
            cannot be incremental, or its classes have no names.
    """
    init_default_scope(cfg.get('default_scope') or 'mmseg')
    model: ConfigDict = cfg.get('model') or ConfigDict()
    if model.get('type') != 'EncoderDecoder':
        raise ValueError(
            f'{config}: the model is a {model.get("type")}, and an EncoderDecoder can be taught'
        )
    head, taken, inside = model.decode_head, (), ''
    if head.type.endswith('WidenedHead'):
        head, taken, inside = head.head, tuple(head.rows), 'head.'
    try:
        find_base(head.type)
    except TypeError as error:
        raise ValueError(f'{config}: {error}') from error
    if any(loss.get('use_sigmoid') for loss in as_list(head.get('loss_decode'))):
        raise ValueError(
            f'{config}: decode_head was trained by a loss with use_sigmoid=True, and only a '
            'softmax over its classes can be taken over'
        )
    state, described = load(checkpoint)
    weight = state.get(f'decode_head.{inside}conv_seg.weight')
    if weight is None:
        raise ValueError(
            f'{checkpoint}: it has no decode_head.conv_seg, with which a {head.type} ends: give '
            f'the checkpoint of {config}'
        )
    of_data = _of_data(cfg)
    names = tuple(described.get('classes') or of_data.get('classes') or ())
    channels = len(weight) + sum(taken)
    if len(names) != channels:
        raise ValueError(
            f'{checkpoint}: the classifier has {channels} channels, but '
            f'{len(names) or "no"} classes are named: give the config that it was trained by'
        )
    if len(names) < 2:
        raise ValueError(
            f'{checkpoint}: a softmax over one channel says the same of every pixel: train the '
            'model with background as a class'
        )
    background = BACKGROUND in names
    first = names.index(BACKGROUND) if background else None
    palettes = (described.get('palette'), of_data.get('palette'), colours_of(len(names)))
    fitting = next(each for each in palettes if each is not None and len(each) == len(names))
    colours = [tuple(map(int, colour)) for colour in fitting]
    rest = [place for place in range(len(names)) if place != first]
    none = (0, 0, 0) if first is None else colours[first]
    return Known(
        config=config,
        checkpoint=checkpoint,
        cfg=cfg,
        classes=tuple(names[place] for place in rest),
        palette=(none, *(colours[place] for place in rest)),
        background=background,
        head=head,
        taken=taken,
    )


def _of_data(cfg: Config) -> dict:
    """``METAINFO`` of the data set that the config names first."""
    for part in sections(cfg.to_dict()):
        if isinstance(part.get('type'), str) and (kind := DATASETS.get(part['type'])) is not None:
            return {**getattr(kind, 'METAINFO', {}), **(part.get('metainfo') or {})}
    return {}


def colours_of(count: int) -> list[tuple[int, ...]]:
    """Colours that can be told apart, those of PASCAL VOC: class c has the bits of c."""
    found = []
    for number in range(count):
        colour, rest = [0, 0, 0], number
        for bit in range(7, -1, -1):
            for channel in range(3):
                colour[channel] |= (rest >> channel & 1) << bit
            rest >>= 3
        found.append(tuple(colour))
    return found
