"""A Hugging Face hub on loopback, as far as presets use it."""

import base64
import contextlib
import hashlib
import http.server
import json
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self._answer()

    def do_HEAD(self):
        self._answer()

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        repository, path = self.server.files, self.path
        if path == "/api/repos/create":
            return self._json({"url": f"{self.server.address}/{self.server.name}"})
        if path == "/api/validate-yaml":
            return self._json({"errors": [], "warnings": []})
        if "/preupload/" in path:
            asked = json.loads(body)["files"]
            found = [{"path": each["path"], "uploadMode": "regular", "shouldIgnore": False} for each in asked]
            return self._json({"files": found})
        if "/commit/" in path:
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    repository[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            return self._json(
                {"commitUrl": f"{self.server.address}/{self.server.name}/commit/1", "commitOid": "1" * 40}
            )
        return self._json({"error": path}, 404)

    def _answer(self):
        files, prefix = self.server.files, f"/{self.server.name}/resolve/"
        if self.path.startswith(f"/api/models/{self.server.name}/tree/"):
            return self._json([{"type": "file", "path": name, "size": len(files[name]), "oid": ""} for name in files])
        if self.path.startswith(f"/api/models/{self.server.name}") and files:
            siblings = [{"rfilename": name} for name in files]
            return self._json({"id": self.server.name, "sha": "1" * 40, "siblings": siblings})
        name = self.path.removeprefix(prefix).partition("/")[2]
        if self.path.startswith(prefix) and name in files:
            etag = hashlib.sha256(files[name]).hexdigest()
            return self._send(files[name], {"ETag": f'"{etag}"', "X-Repo-Commit": "1" * 40})
        return self._json({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})

    def _json(self, value, code=200, headers=()):
        self._send(json.dumps(value).encode(), {"Content-Type": "application/json", **dict(headers)}, code)

    def _send(self, content, headers, code=200):
        self.send_response(code)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *arguments):
        pass


@contextlib.contextmanager
def serving(name):
    """Context with a hub that has one repository, of which `files` are {path: content}."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.name, server.files, server.address = name, {}, f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
