"""COCO's JSON: polygons, run-length masks, crowds."""

from pathlib import Path

from .picture import Picture, Region, from_polygons


def read(path: Path, content: dict) -> list[Picture]:
    """The pictures of a COCO file; those without an annotation, too.

    A crowd is a region of its class like any other.

    Args:
        path: The file.
        content: What it holds.

    Raises:
        ValueError: If an annotation is of no image or category of the file, or has no outline.
    """
    names = {category['id']: str(category['name']) for category in content['categories']}
    images = {image['id']: image for image in content['images']}
    if len(images) < len(content['images']):
        raise ValueError('two images have the same id')
    regions: dict[int, list[Region]] = {key: [] for key in images}
    for number, annotation in enumerate(content.get('annotations', ())):
        where = f'annotation {annotation.get("id", number)}'
        for key, known in (('image_id', images), ('category_id', names)):
            if annotation.get(key) not in known:
                raise ValueError(f'{where}: the file has no {key} {annotation.get(key)!r}')
        image = images[annotation['image_id']]
        size = (int(image['height']), int(image['width']))
        name = names[annotation['category_id']]
        region = Region(name, _rle(annotation.get('segmentation'), size, where))
        regions[annotation['image_id']].append(region)
    return [
        Picture(str(image['file_name']), (int(image['height']), int(image['width'])), path, parts)
        for image, parts in ((images[key], regions[key]) for key in images)
    ]


def _rle(outline: object, size: tuple[int, int], where: str) -> dict:
    from pycocotools import mask as coco_mask

    if isinstance(outline, list):
        return from_polygons(outline, size, where)
    if not isinstance(outline, dict) or 'counts' not in outline:
        raise ValueError(
            f'{where}: segmentation is {str(outline)[:60]!r}, neither polygons nor a run-length '
            'mask: a box alone labels no pixels'
        )
    if list(outline.get('size', ())) != list(size):
        raise ValueError(
            f'{where}: a mask of {outline.get("size")} in an image of {list(size)} (height, width)'
        )
    counts = outline['counts']
    if isinstance(counts, list):
        return coco_mask.frPyObjects(dict(size=list(size), counts=counts), *size)
    return dict(size=list(size), counts=counts.encode() if isinstance(counts, str) else counts)
