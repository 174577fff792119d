"""Call an API by hand, so that a test can send what no client would."""

import http.client
import json
import socket
from contextlib import closing


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout=20.0):
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.body[:300]!r}"


class Caller:
    def __init__(self, server, table):
        self.server = server
        self.table = table

    def connection(self, door="unix"):
        if door == "unix":
            return UnixConnection(self.table.place.socket)
        return http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=20.0)

    def __call__(self, method, path, body=None, *, door="unix", token=None, headers=(), raw=None):
        head = dict(headers)
        if body is not None:
            raw = json.dumps(body).encode()
        if raw is not None:
            head.setdefault("Content-Type", "application/json")
        if token is not None:
            head["Authorization"] = f"Bearer {token}"
        with closing(self.connection(door)) as connection:
            connection.request(method, path, raw, head)
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())

    def get(self, path, **options):
        return self("GET", f"/api/v1{path}", **options)

    def post(self, path, body=None, **options):
        return self("POST", f"/api/v1{path}", body, **options)

    def make_token(self, role="view", days=30.0):
        body = {"name": f"a {role}", "role": role, "days": days}
        answer = self.post("/tokens/add", body)
        assert answer.status == 200, answer
        return answer.json["secret"]
