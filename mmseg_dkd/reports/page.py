"""A run as one HTML page that needs nothing but itself."""

import base64
import io
from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.colors import to_hex
from PIL import Image

from ..runs.step import step_folder
from ..utils.atomic import write_text
from ..visualization import pictures
from .contents import GAP, read_contents

PAGE = 'report.html'
# Relative luminance above which black reads better than white (WCAG 2.2).
LIGHT = 0.179
LEGEND = 24
QUALITY = 90
INCHES = (4.5, 3.2)


def write_page(work_dir: Path) -> Path:
    """Write ``report.html`` into the folder of a run.

    It has everything of :func:`mmseg_dkd.reports.contents.read_contents`, the curves and the
    samples. It asks for no other file; what it links to is in the folder.

    Args:
        work_dir: Folder of a run. If it is not finished, the page says what is missing.

    Returns:
        Path of the page.

    Raises:
        FileNotFoundError: If there is no run in the folder.
        ValueError: If a JSON file is damaged, or a step has no config or several.
        OSError: If the page cannot be written.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(percent=_percent, shade=_shade)
    contents = read_contents(work_dir)
    entries = contents['entries']
    text = environment.get_template('page.html').render(
        contents,
        gap=GAP,
        curves=_curves(entries) if entries else None,
        samples=_samples(work_dir, [entry['step'] for entry in entries]),
    )
    write_text(work_dir / PAGE, text)
    return work_dir / PAGE


def _percent(value: float | None, digits: int = 2) -> str:
    return GAP if value is None else f'{value:.{digits}f}'


def _shade(iou: float | None) -> str:
    """CSS of a cell of the matrix: the colour of ``iou_matrix.png``, and one to read on it."""
    if iou is None:
        return ''
    colour = matplotlib.colormaps['viridis'](iou / 100)[:3]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    luminance = np.dot(linear, (0.2126, 0.7152, 0.0722))
    return f'background:{to_hex(colour)};color:{"#000" if luminance > LIGHT else "#fff"}'


def _curves(entries: Sequence[dict]) -> Markup:
    """``curves.png`` as SVG, in the colours of the page."""
    figure, file = pictures.curves(entries), io.StringIO()
    # Small, so that letters are not when a telephone shows all of it.
    figure.set_size_inches(INCHES)
    metadata = dict.fromkeys(('Creator', 'Date', 'Format', 'Type'))
    with matplotlib.rc_context({'svg.fonttype': 'none', 'svg.hashsalt': PAGE}):
        figure.savefig(file, format='svg', transparent=True, metadata=metadata)
    svg = file.getvalue()
    svg = svg[svg.index('<svg') :].replace('#000000', 'currentColor')
    return Markup(svg.replace('#ffffff', 'var(--paper)'))


def _samples(work_dir: Path, steps: Sequence[int]) -> dict | None:
    """The samples for the template, those of steps without any left out; None without any."""
    there = [t for t in steps if (step_folder(work_dir, t) / 'samples/classes.txt').is_file()]
    if not there:
        return None
    found = pictures.read_samples(work_dir, there)
    images = []
    for cells, pixels in zip(found.cells, found.pixels, strict=True):
        shown = [_shown(counts, found.names) for counts in pixels]
        images.append(list(zip(found.titles, map(_data_uri, cells), shown, strict=True)))
    # The image itself and the ground truth come first.
    predicted = [int(title.removeprefix('step ')) for title in found.titles[2:]]
    return dict(
        images=images,
        steps=predicted,
        without=[t for t in steps if t not in predicted],
        legend={name: to_hex(c / 255) for name, c in found.largest(LEGEND).items()},
    )


def _shown(pixels: np.ndarray, names: Sequence[str]) -> str:
    """Classes of a picture, the largest first, for those who do not see it."""
    shown = [names[i] for i in np.argsort(-pixels[: len(names)], kind='stable') if i and pixels[i]]
    return ', '.join(shown) or 'no class'


def _data_uri(picture: np.ndarray) -> str:
    file = io.BytesIO()
    image = Image.fromarray(picture.astype(np.uint8))
    image.save(file, format='JPEG', quality=QUALITY, subsampling=0)
    return f'data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}'
