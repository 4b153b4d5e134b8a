"""What changes from one model to the next: which pixels, of which classes, and what it costs."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from ..labels import VOID
from .confusion import confusion_matrix


@dataclass
class ModelPair:
    """Counts the pixels in which two models differ, by the names of their classes.

    Args:
        old, new: Names of the classes of either model.

    Raises:
        ValueError: If they have more than 254 classes together.
    """

    old: Sequence[str]
    new: Sequence[str]
    images: int = 0
    # [old prediction, new prediction]
    moved: np.ndarray = field(init=False)
    # Of either model, [truth, prediction]
    confusion: dict[str, np.ndarray] = field(init=False)

    def __post_init__(self) -> None:
        # What the new model has lost gets numbers behind its own.
        lost = [name for name in self.old if name not in self.new]
        self._names = [*self.new, *lost]
        if len(self._names) >= VOID:
            raise ValueError(f'{len(self._names)} classes: at most {VOID - 1} can be compared')
        size = (len(self._names), len(self._names))
        self.moved = np.zeros(size, np.int64)
        self.confusion = {name: np.zeros(size, np.int64) for name in ('old', 'new')}
        self._number = np.array([self._names.index(name) for name in self.old])

    def add(self, before: np.ndarray, after: np.ndarray, truth: np.ndarray | None) -> int:
        """Count an image.

        Args:
            before: int ``[H, W]``, what the old model says, in its own numbers.
            after: int ``[H, W]``, what the new model says.
            truth: int ``[H, W]``, numbers of the new model's classes, or 255 for void.

        Returns:
            How many pixels changed.

        Raises:
            ValueError: If the truth has a number that is no class, or is of another size.
        """
        before = self._number[before]
        table = self._pairs(before, after)
        self.moved += table
        self.images += 1
        if truth is not None:
            if truth.shape != after.shape:
                raise ValueError(f'the mask is {truth.shape}, the image {after.shape}')
            wrong = np.unique(truth[(truth != VOID) & (truth >= len(self.new))])
            if len(wrong):
                raise ValueError(f'the mask has {wrong.tolist()}, the classes are {list(self.new)}')
            for name, guess in (('old', before), ('new', after)):
                self.confusion[name] += self._pairs(truth, guess)
        return int(table.sum() - table.trace())

    def _pairs(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        of_rows, of_columns = (
            torch.from_numpy(labels.astype(np.int64)) for labels in (rows, columns)
        )
        return confusion_matrix(of_columns, of_rows, len(self._names), VOID).numpy()

    def _between_old(self, table: np.ndarray) -> int:
        numbers = np.unique(self._number)
        kept = table[np.ix_(numbers, numbers)]
        return int(kept.sum() - kept.trace())

    def changes(self) -> dict:
        """Of each class of the old model: its pixels, those that stayed, and where others went."""
        found = {}
        for name, number in zip(self.old, self._number, strict=True):
            row = self.moved[number]
            gone = {self._names[k]: int(row[k]) for k in np.flatnonzero(row) if k != number}
            found[name] = dict(pixels=int(row.sum()), stayed=int(row[number]), went_to=gone)
        return found

    @property
    def exact(self) -> bool:
        """Whether every pixel that changed went to a class that the old model does not know."""
        return self._between_old(self.moved) == 0

    def iou(self) -> dict[str, dict[str, float | None]]:
        """IoU in percent of each class of the new model: ``old`` and ``new``, None where neither
        truth nor prediction has the class, or the old model does not know it."""
        found: dict[str, dict[str, float | None]] = {}
        for number, name in enumerate(self.new):
            found[name] = {
                which: _iou(counts, number) if which == 'new' or name in self.old else None
                for which, counts in self.confusion.items()
            }
        return found


def _iou(counts: np.ndarray, number: int) -> float | None:
    union = counts[number].sum() + counts[:, number].sum() - counts[number, number]
    return float(100 * counts[number, number] / union) if union else None
