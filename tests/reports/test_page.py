"""The page of a run: its figures are those of the run, and it needs nothing but itself."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from mmseg_dkd.reports.page import write_page
from mmseg_dkd.utils.json_file import write_json

from .made_up_run import FINISHED, write_run

VOID_TAGS = {'meta', 'img', 'input', 'link', 'br', 'wbr'}
LETTERS = '<b>&"\'</script>'
FOLDER = LETTERS.replace('/', '')


class Page(HTMLParser):
    """Tags of a page, the cells of its tables by id, and its text."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.tags, self.open, self.tables, self.text = [], [], {}, ''
        self._rows = None
        self.feed(file.read_text())
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append((tag, attributes))
        if tag not in VOID_TAGS:
            self.open.append(tag)
        if tag == 'table':
            self._rows = self.tables.setdefault(attributes.get('id'), [])
        elif tag == 'tr':
            self._rows.append([])
        elif tag in ('th', 'td'):
            self._rows[-1].append('')

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {'style', 'script'} & set(self.open):
            self.text += data
        if {'th', 'td'} & set(self.open):
            self._rows[-1][-1] += data

    def all(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.tags if name == tag]


def percent(value: float | None, digits: int = 2) -> str:
    return '–' if value is None else f'{value:.{digits}f}'


@pytest.mark.parametrize('sizes', [[4], [4, 2, 2], [100, *[5] * 10]])
def test_figures_are_those_of_the_run(tmp_path, sizes):
    entries = write_run(tmp_path, sizes, len(sizes))
    file = write_page(tmp_path)
    assert file == tmp_path / 'report.html'
    page = Page(file)
    assert page.tables['scores-table'][1:] == [
        [
            f'step {e["step"]}',
            *(percent(e[k]) for k in ('miou_base', 'miou_novel', 'hiou', 'miou_all')),
        ]
        for e in entries
    ]
    names = list(entries[-1]['per_class_iou'])
    head, *rows = page.tables['matrix-table']
    assert head == ['Step', *names]
    for row, entry in zip(rows, entries, strict=True):
        iou = entry['per_class_iou']
        assert row == [str(entry['step']), *(percent(iou[n], 1) if n in iou else '' for n in names)]
    _, *rows, mean = page.tables['classes-table']
    all_lost = []
    for name, row in zip(names, rows, strict=True):
        course = [e['per_class_iou'][name] for e in entries if name in e['per_class_iou']]
        old = [iou for iou in course[:-1] if iou is not None]
        lost = max(old) - course[-1] if old and name != 'background' else None
        all_lost += [lost] * (lost is not None)
        step = next(e['step'] for e in entries if name in e['per_class_iou'])
        best = max(old, default=None)
        figures = (course[0], best, course[-1], lost)
        assert row == [name, str(step), *map(percent, figures)]
    assert mean[-1] == percent(np.mean(all_lost) if all_lost else None)
    _, *rows = page.tables['scenario-table']
    assert [int(row[1]) for row in rows] == sizes
    assert ', '.join(row[2] for row in rows) == ', '.join(names[1:])
    _, *rows = page.tables['training-table']
    assert [row[:4] for row in rows] == [
        [f'step {t}', str(10 + t), f'{1.5 * t:.1f}', '–'] for t in range(len(sizes))
    ]
    assert 'not finished' not in page.text


def test_page_loads_nothing_and_what_it_links_to_is_there(tmp_path):
    run = tmp_path / 'a run'
    write_run(run, [4, 2, 2], 3)
    (run / 'step_0' / 'with space #1.png').touch()
    page = Page(write_page(run))
    assert not page.all('link') and all('src' not in script for script in page.all('script'))
    assert all(image['src'].startswith('data:image/jpeg;base64,') for image in page.all('img'))
    assert not re.search(r'@import|url\(', (run / 'report.html').read_text().replace('url(#', ''))
    ids = {attributes.get('id') for _, attributes in page.tags}
    addresses = [attributes['href'] for attributes in page.all('a')]
    assert 'step_0/with%20space%20%231.png' in addresses and 'results.json' in addresses
    for address in addresses:
        place = address.replace('%20', ' ').replace('%23', '#')
        assert address[1:] in ids if address[0] == '#' else (run / place).is_file(), address


def test_page_can_be_read_without_seeing_it(tmp_path):
    write_run(tmp_path, [4, 2, 2], 3)
    page = Page(write_page(tmp_path))
    assert all(th.get('scope') in ('row', 'col') for th in page.all('th'))
    (html,) = page.all('html')
    assert html['lang'] == 'en'
    alts = [image['alt'] for image in page.all('img')]
    assert len(set(alts)) == len(alts) == 2 * (2 + 3)
    assert 'Ground truth of image 2: class 1' in alts
    assert 'Prediction for image 1 after step 0: no class' in alts
    assert 'Prediction for image 2 after step 1: class 6' in alts
    (slider,) = page.all('input')
    assert dict(type='range', min='0', max='2', value='2', id='step').items() <= slider.items()
    assert 'step' in [label['for'] for label in page.all('label')]
    scrolled = [div for div in page.all('div') if div.get('class') == 'scroll']
    assert len(scrolled) == 6 and all('tabindex' in s and 'aria-label' in s for s in scrolled)


def test_names_are_text_whatever_they_are(tmp_path):
    write_run(tmp_path / FOLDER, [2, 1], 2, word=LETTERS)
    run = tmp_path / FOLDER
    entries = json.loads((run / 'results.json').read_text())
    entries[1]['choices']['method'] = entries[1]['choices'][LETTERS] = LETTERS
    write_json(run / 'results.json', entries)
    page = Page(write_page(run))
    assert page.tables['classes-table'][2][0] == f'{LETTERS} 1'
    assert page.text.count(LETTERS) > 10 and FOLDER in page.text
    assert len(page.all('script')) == 1 and len(page.all('b')) == 3, 'only those of the template'
    assert f'Ground truth of image 2: {LETTERS} 1' in [image['alt'] for image in page.all('img')]


def test_classes_that_no_mean_has_are_named(tmp_path):
    entries = write_run(tmp_path, [2, 1], 2)
    page = Page(write_page(tmp_path))
    words = 'Left out of the means of step {}, since neither the ground truth nor a prediction'
    assert all(f'{words.format(step)} shows them: class 2.' in page.text for step in (0, 1))
    for entry in entries:
        entry['per_class_iou']['class 2'] = 0.0
    write_json(tmp_path / 'results.json', entries)
    assert 'Left out' not in Page(write_page(tmp_path)).text


def test_an_unfinished_run_says_what_is_missing(tmp_path):
    write_run(tmp_path, [4, 2, 2], 2)
    page = Page(write_page(tmp_path))
    assert 'not finished: step 2' in page.text
    assert page.tables['scenario-table'][3] == ['step 2', '2', 'class 7, class 8']
    write_json(tmp_path / 'results.json', [])
    page = Page(write_page(tmp_path))
    assert 'finished, but not in results.json: step 0, 1' in page.text
    assert 'there are no scores yet' in page.text and 'matrix-table' not in page.tables
    (tmp_path / 'manifest.json').unlink()
    page = Page(write_page(tmp_path))
    assert 'not finished: step 0, 1, 2' in page.text and 'training-table' not in page.tables
    (tmp_path / 'results.json').write_text('[{')
    with pytest.raises(ValueError, match=r'results\.json is damaged'):
        write_page(tmp_path)


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match='has no run.*such as work_dirs/dkd/voc_15-5'):
        write_page(tmp_path)
    assert not list(tmp_path.iterdir())


def test_steps_without_samples_are_named(tmp_path):
    write_run(tmp_path, [4, 2, 2], 3)
    shutil.rmtree(tmp_path / 'step_1' / 'samples')
    page = Page(write_page(tmp_path))
    assert 'No samples of these images after step 1.' in page.text
    assert {f['data-step'] for f in page.all('figure') if 'data-step' in f} == {'0', '2'}
    write_run(tmp_path / 'none', [4, 2, 2], 3, samples=0)
    page = Page(write_page(tmp_path / 'none'))
    assert 'No step has left samples.' in page.text
    assert not page.all('img') and not page.all('input') and not page.all('script')


def test_choices_and_provenance_stand_side_by_side(tmp_path):
    entries = write_run(tmp_path, [4, 2, 2], 3)
    assert 'Provenance' not in Page(write_page(tmp_path)).text
    for entry in entries:
        entry['provenance'] = dict(torch='2.13', git=dict(dirty=entry['step'] == 2, diff=None))
    write_json(tmp_path / 'results.json', entries)
    rows = Page(write_page(tmp_path)).tables[None]
    assert rows == [
        ['Choice', 'step 0', 'steps 1 to 2'],
        ['method', 'DKD', 'DKD'],
        ['lr', '0.01', '0.001'],
        ['components.KD', 'yes', 'yes'],
        ['Item', 'steps 0 to 1', 'step 2'],
        ['torch', '2.13', '2.13'],
        ['git.dirty', 'no', 'yes'],
        ['git.diff', '–', '–'],
    ]


def test_a_shared_step_costs_what_it_cost_where_it_was_trained(tmp_path):
    run = tmp_path / 'row' / 'seed_0'
    write_run(run, [4, 2, 2], 3)
    manifest = json.loads((run / 'manifest.json').read_text())
    manifest['steps']['0'] = dict(FINISHED, recipe='own', shared='gone/first_steps/abc')
    write_json(run / 'manifest.json', manifest)
    results = json.loads((run / 'results.json').read_text())
    results[0]['training'] = dict(clipped=0.52, agreement=None, least_agreement=None)
    write_json(run / 'results.json', results)
    cost = dict(images=7, seconds=60.0, memory_mib=800.4)
    first = dict(steps={'0': FINISHED | cost})
    write_json(tmp_path / 'first_steps/abc/manifest.json', first)
    rows = Page(write_page(run)).tables['training-table']
    assert rows[1][:8] == ['step 0, shared', '7', '1.0', '800', '0.5', '–', '–', 'own']
    shutil.rmtree(tmp_path / 'first_steps')
    rows = Page(write_page(run)).tables['training-table']
    assert rows[1][:8] == ['step 0, shared', *'–––', '0.5', '–', '–', 'own']


def test_a_step_that_was_warned_of_is_named(tmp_path):
    write_run(tmp_path, [4, 2, 2], 3)
    results = json.loads((tmp_path / 'results.json').read_text())
    shares = dict(clipped=1.0, agreement=30.0, least_agreement=20.0)
    results[1]['training'] = dict(shares, forgets_at=6)
    results[2]['training'] = dict(shares, forgets_at=None)
    write_json(tmp_path / 'results.json', results)
    text = Page(write_page(tmp_path)).text
    assert 'Step 1 forgets: by iteration 6' in text and text.count(' forgets: ') == 1


def test_a_real_run_makes_a_page(finished, tmp_path):
    shutil.copytree(finished, tmp_path / 'run')
    page = Page(write_page(tmp_path / 'run'))
    assert len(page.all('img')) == 6 * (2 + 3)
    choices = json.loads((finished / 'results.json').read_text())[0]['choices']
    assert ['lr', json.dumps(choices['lr'])] == [r for r in page.tables[None] if r[0] == 'lr'][0][
        :2
    ]
