"""Images, found by the names that annotation files have for them."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import cache
from pathlib import Path, PurePosixPath

from mmcv.transforms import LoadImageFromFile

from ..datasets.reading import read_whole

LOADER = LoadImageFromFile()
SUFFIXES = ('.bmp', '.jpeg', '.jpg', '.png', '.tif', '.tiff', '.webp')


class Images:
    """The images of some folders, found by the names that annotation files have for them.

    Args:
        folders: Searched with all below them.

    Raises:
        ValueError: If a folder has no image, two folders have one name, or two images beside each
            other differ in nothing but the suffix, so that they would share a mask.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self.folder_of: dict[Path, Path] = {}
        for folder in folders:
            found = [p for p in sorted(folder.rglob('*')) if p.suffix.lower() in SUFFIXES]
            if not found:
                raise ValueError(f'{folder}: no image there ({", ".join(SUFFIXES)})')
            self.folder_of |= dict.fromkeys(found, folder)
        bare = Counter(path.with_suffix('') for path in self.folder_of)
        if shared := [path for path, count in bare.items() if count > 1]:
            raise ValueError(
                f'{shared[0]}: there are two images of this name, with two suffixes, which would '
                'share a mask: move one of them away'
            )
        named = Counter(folder.resolve().name for folder in folders)
        if twice := [name for name, count in named.items() if count > 1]:
            raise ValueError(f'two folders are called {twice[0]!r}: masks lie below these names')
        self._by_name: dict[str, list[Path]] = defaultdict(list)
        for path in self.folder_of:
            self._by_name[path.name].append(path)
            self._by_name[path.stem].append(path)

    def name_of(self, path: Path) -> Path:
        """An image below the name of its folder."""
        folder = self.folder_of[path]
        return Path(folder.resolve().name, path.relative_to(folder))

    def find(self, name: str) -> Path | None:
        """The image of this name, with or without folders and suffix; None if there is none.

        Raises:
            ValueError: If several fit as well.
        """
        parts = PurePosixPath(name.replace('\\', '/')).parts
        candidates = self._by_name.get(parts[-1] if parts else '', [])
        if len(candidates) > 1:
            agreeing = [_common(parts[:-1], path.parent.parts) for path in candidates]
            candidates = [
                path
                for path, common in zip(candidates, agreeing, strict=True)
                if common == max(agreeing)
            ]
        if len(candidates) > 1:
            raise ValueError(
                f'{name} may be {candidates[0]} or {candidates[1]}: name the folder of the images '
                'that are meant alone, or rename one'
            )
        return candidates[0] if candidates else None

    def size_of(self, name: str) -> tuple[int, int] | None:
        """Height and width of an image as training reads it; None if there is none."""
        path = self.find(name)
        return None if path is None else size_of_image(path)


@cache
def size_of_image(path: Path) -> tuple[int, int]:
    """Height and width of an image, turned as training sees it.

    Raises:
        ValueError: If it cannot be read.
    """
    height, width = read_whole(str(path), dict(img_path=str(path)), LOADER, 'img').shape[:2]
    return height, width


def _common(ends: Sequence[str], others: Sequence[str]) -> int:
    """How many parts two paths share at their ends."""
    count = 0
    for one, other in zip(reversed(ends), reversed(others), strict=False):
        if one != other:
            break
        count += 1
    return count
