"""Shows what Alertmanager sends to a webhook, on this machine alone: python3 webhook.py [PORT], 9999 by default."""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Show(BaseHTTPRequestHandler):
    """Prints a line for each alert, or the body as it came."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            alerts = json.loads(body)["alerts"]
            lines = [
                f"{each['status'].upper()}  {each['labels']['alertname']}: {each['annotations']['summary']} "
                f"{each['annotations'].get('action', '')}"
                for each in alerts
            ]
        except (ValueError, KeyError, TypeError):
            lines = [body.decode(errors="replace")]
        print(*lines, sep="\n", flush=True)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """What came is printed; who asked is not."""


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 9999), Show).serve_forever()
