"""An ordinary locustfile: only the import of its base class was changed. Says at its end what it saw."""

import io
import json
import os
from pathlib import Path

from locust import constant, events, task

from harness.loadgen.locust_user import FasterHttpUser as FastHttpUser

seen = []


@events.request.add_listener
def on_request(request_type, name, response_time, response_length, exception, context, url, start_time, response, **_):
    assert response_time >= 0 and start_time > 1e9 and url.startswith("http")
    seen.append([request_type, name, response_length, str(exception) if exception else "", context])


class Visitor(FastHttpUser):
    wait_time = constant(0)
    default_headers = {"X-Standing": "yes"}  # noqa: RUF012

    def context(self):
        return {"who": "visitor"}

    def on_start(self):
        self.client.post("/login", json={"name": "x"}, name="sign in")

    @task
    def all_of_it(self):
        client = self.client
        answer = client.get("/echo?a=b", params={"c": ["1", "2"]}, headers={"X-Own": "1"}, auth=("me", "secret")).json()
        assert answer["path"] == "/echo?a=b&c=1&c=2"
        assert answer["headers"]["x-own"] == "1" and answer["headers"]["x-standing"] == "yes"
        assert answer["headers"]["authorization"] == "Basic bWU6c2VjcmV0"
        assert answer["headers"]["cookie"] == "session=1"
        assert client.cookiejar.get("session") == "1"
        for method in (client.put, client.patch):
            assert method("/echo", data={"a": "b"}).json()["body"] == "a=b"
        assert client.delete("/echo").json()["method"] == "DELETE"
        assert client.options("/echo").json()["method"] == "OPTIONS"
        assert client.head("/echo").content == b""
        assert client.request("POST", "/echo", data="text").json()["headers"]["content-type"].startswith("text/plain")
        sent = client.post("/echo", files={"f": ("a.txt", io.BytesIO(b"content"))}, data={"k": "v"}).json()
        assert "content" in sent["body"] and 'filename="a.txt"' in sent["body"]
        with client.get("/status/500", catch_response=True, name="said to be good") as response:
            assert not response.ok and response.status_code == 500
            response.success()
        with client.get("/echo", catch_response=True, name="said to be bad") as response:
            response.failure("not what was asked for")
        with client.get("/status/404", catch_response=True) as response:
            response.request_meta["name"] = "renamed later"
        with client.rename_request("renamed"):
            client.get("/echo")
        assert client.get("/redirect").json()["path"] == "/echo"
        assert client.get("/redirect", allow_redirects=False).headers["Location"] == "/echo"
        assert client.get("/gone", timeout=2).status_code == 0
        assert "timeout" in str(client.get("/slow", timeout=0.2).error)
        assert list(client.iter_lines("/lines")) == ["one", "two", "three"]
        streamed = client.get("/lines", stream=True)
        assert streamed.text == "one\ntwo\nthree"
        client.get("/lines", stream=True)  # left unread: the next one has a connection of its own
        assert client.get(self.host + "/echo", name="a whole address").ok
        with self.rest("POST", "/echo", json={"x": 1}) as answered:
            assert answered.js["body"] == '{"x": 1}'
        for wrong in (lambda: client.get("http://127.0.0.2:1/"), lambda: client.get("/", proxies={})):
            try:
                wrong()
            except Exception as error:
                seen.append(["refused", type(error).__name__, 0, str(error), {}])
        self.environment.runner.quit()


@events.quitting.add_listener
def tell(**_):
    Path(os.environ["SEEN"]).write_text(json.dumps(seen))
