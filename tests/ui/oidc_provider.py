"""A small OpenID Connect provider on this machine, which signs in one person and can be told to lie."""

import base64
import hashlib
import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, quote_plus, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "planwise", "a secret: 100 %"


def a_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class FakeProvider:
    """`claims` go into the ID token, `further` is the userinfo; a test changes them and what is wrong."""

    def __init__(self):
        self.key, self.other_key, self.key_id = a_key(), a_key(), "k1"
        self.reset()

    def reset(self):
        self.claims = {"sub": "u1", "preferred_username": "grace", "roles": ["analyst"]}
        self.further = {"sub": "u1"}
        self.discovery, self.header, self.signs_with = {}, {}, self.key
        self.error, self.token_status, self.algorithm = "", 200, "RS256"
        self.asked, self.codes, self.userinfo_asked = [], {}, 0

    def id_token(self, nonce):
        now = int(time.time())
        times = {"iat": now, "exp": now + 300}
        payload = {"iss": self.issuer, "aud": CLIENT, "nonce": nonce} | times | self.claims
        payload = {name: value for name, value in payload.items() if value is not None}
        header = {"kid": self.key_id} | self.header
        return jwt.encode(payload, self.signs_with, algorithm=self.algorithm, headers=header)

    def keys(self):
        public = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {"keys": [public | {"kid": self.key_id, "use": "sig", "alg": "RS256"}]}

    def document(self):
        named = ("authorization", "token", "userinfo")
        return {
            "issuer": self.issuer,
            "jwks_uri": f"{self.issuer}/keys",
            **{f"{name}_endpoint": f"{self.issuer}/{name}" for name in named},
        } | self.discovery


class _Handler(BaseHTTPRequestHandler):
    provider: FakeProvider

    def do_GET(self):
        parts = urlsplit(self.path)
        answers = {
            "/.well-known/openid-configuration": self.provider.document,
            "/keys": self.provider.keys,
            "/userinfo": self._userinfo,
        }
        if parts.path == "/authorization":
            self._authorize(dict(parse_qsl(parts.query)))
        else:
            self._json(answers[parts.path]())

    def do_POST(self):
        form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        asked = self.provider.codes.pop(form["code"], None)
        login = base64.b64encode(f"{CLIENT}:{quote_plus(SECRET)}".encode()).decode()  # RFC 6749, 2.3.1
        known = self.headers["Authorization"] == f"Basic {login}"
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if asked is None or not known or challenge != asked["code_challenge"]:
            self._json({"error": "invalid_grant"}, 400)
        elif form["redirect_uri"] != asked["redirect_uri"] or self.provider.token_status != 200:
            self._json({"error": "server_error"}, self.provider.token_status)
        else:
            token = self.provider.id_token(asked["nonce"])
            self._json({"id_token": token, "access_token": "at", "token_type": "Bearer"})

    def _authorize(self, asked):
        self.provider.asked.append(asked)
        code = f"code{len(self.provider.asked)}"
        self.provider.codes[code] = asked
        answer = {"error": self.provider.error} if self.provider.error else {"code": code}
        self.send_response(302)
        self.send_header(
            "Location", f"{asked['redirect_uri']}?{urlencode(answer | {'state': asked['state']})}"
        )
        self.end_headers()

    def _userinfo(self):
        assert self.headers["Authorization"] == "Bearer at"
        self.provider.userinfo_asked += 1
        return self.provider.further

    def _json(self, document, status=200):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextmanager
def provider_running():
    """Run one on a free port; yields it."""
    fake = FakeProvider()
    handler = type("Handler", (_Handler,), {"provider": fake})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    fake.issuer = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
