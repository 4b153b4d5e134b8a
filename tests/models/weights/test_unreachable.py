"""Whether a URL of pretrained weights would give a file: asked quickly, and without it."""

import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from mmseg_dkd.models.weights import pretrained
from mmseg_dkd.models.weights.pretrained import unreachable


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setenv('no_proxy', '*')
    monkeypatch.setattr(pretrained, 'PATIENCE', 0.3)


class Server(BaseHTTPRequestHandler):
    def do_HEAD(self):
        if self.path == '/silent':
            time.sleep(1)
        self.send_response(int(self.path[1:]) if self.path[1:].isdigit() else 200)
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture(scope='module')
def server():
    server = ThreadingHTTPServer(('127.0.0.1', 0), Server)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f'http://127.0.0.1:{server.server_port}'
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    'path, words',
    [('/200', ''), ('/405', ''), ('/404', 'HTTP Error 404'), ('/silent', 'timed out|no answer')],
)
def test_what_a_server_says(path, words, server):
    answer = unreachable(server + path)
    assert any(word in answer for word in words.split('|')) and bool(answer) == bool(words), answer


def test_no_server_and_no_name(monkeypatch):
    assert 'refused' in unreachable('http://127.0.0.1:1/weights.pth')
    monkeypatch.setattr('socket.getaddrinfo', lambda *args, **options: time.sleep(2) or [])
    start = time.monotonic()
    assert unreachable('http://nowhere.invalid/weights.pth') == 'no answer within 0.3 s'
    assert time.monotonic() - start < 1
