"""The page of a run in Chromium, where there is one."""

import json
import os
import re
import shutil
import signal
import subprocess
import threading

import pytest

from mmseg_dkd.reports.page import write_page

from .made_up_run import write_run

BROWSER = next(
    filter(
        None,
        [
            os.environ.get('CHROMIUM'),
            *map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome', 'chrome')),
        ],
    ),
    None,
)

PROBE = """
<script>
{
const slider = document.getElementById('step');
const visible = () => [...document.querySelectorAll('[data-step]')]
  .filter((figure) => figure.offsetParent).map((figure) => figure.dataset.step).join('');
const seen = [visible()];
slider.value = 0;
slider.dispatchEvent(new Event('input'));
seen.push(visible(), document.getElementById('shown').textContent);
const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
console.log('measured ' + JSON.stringify([seen, wide]) + ' end');
}
</script>
"""


@pytest.mark.skipif(BROWSER is None, reason='no Chromium: name one by CHROMIUM')
def test_a_browser_moves_the_slider_and_scrolls_tables_but_not_the_page(tmp_path):
    write_run(tmp_path, [100, *[5] * 10], 11)
    file = write_page(tmp_path)
    file.write_text(file.read_text().replace('</body>', f'{PROBE}</body>'))
    options = ['--headless', '--no-sandbox', '--disable-gpu', '--window-size=360,800']
    options += ['--enable-logging=stderr', f'--user-data-dir={tmp_path}/profile']
    command = [BROWSER, *options, file.as_uri()]
    said = []
    # What the page says is told by the log, which goes on until the browser is stopped.
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as browser:
        watch = threading.Timer(60, os.killpg, (browser.pid, signal.SIGKILL))
        watch.start()
        for line in browser.stderr:
            said += [line] * ('CONSOLE' in line)
            if 'measured' in line:
                break
        watch.cancel()
        os.killpg(browser.pid, signal.SIGKILL)
    assert len(said) == 1, f'the page says {said}'
    seen, wide = json.loads(re.search('measured (.*) end', said[0])[1].replace('\\"', '"'))
    assert seen == ['1010', '00', 'after step 0']
    assert wide == 0, f'the page is {wide} pixels wider than the window'
