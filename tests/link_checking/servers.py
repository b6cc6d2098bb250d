"""Real web servers on this machine, whose misbehaviour tests can choose."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Web:
    """A web server. ``pages`` has a response per path; ``asked`` lists the requests."""

    def __init__(self, tls=None):
        self.pages = {}
        self.asked = []
        self.headers = []
        self.ending = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        if tls is not None:
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = self._server.server_port
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}
        )
        self._thread.start()

    @property
    def spot(self):
        return f"127.0.0.1:{self.port}"

    def url(self, path="/"):
        return f"http://{self.spot}{path}"

    def answer(self, path, status=200, body=b"", head=None, **headers):
        """Set the response of a path; ``head`` is the status for HEAD if it differs."""
        self.pages[path] = (status, body, status if head is None else head, headers)

    def redirect(self, path, to, status=302):
        self.answer(path, status, Location=to)

    def pages_asked(self):
        return [asked for asked in self.asked if not asked.endswith("/robots.txt")]

    def stop(self):
        self.ending.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_args):
        """Print nothing: clients close the connection as soon as they have read enough."""


def _handler(web):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            web.asked.append(f"{self.command} {self.path}")
            web.headers.append(self.headers)
            page = web.pages.get(self.path.partition("?")[0], (404, b"", 404, {}))
            if callable(page):
                page(self)
                return
            status, body, head, headers = page
            self.send_response(head if self.command == "HEAD" else status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def do_HEAD(self):
            self.do_GET()

        def log_message(self, *_args):
            pass

    return Handler


@contextmanager
def web(tls=None):
    server = Web(tls)
    try:
        yield server
    finally:
        server.stop()
