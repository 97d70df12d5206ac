"""All studies in `optuna-dashboard`, for reading: one storage over their journals, behind a secret link."""

import secrets
from collections.abc import Callable, Container, Iterable, Mapping
from http import HTTPStatus
from http.cookies import SimpleCookie
from socketserver import ThreadingMixIn
from typing import Any, NoReturn
from urllib.parse import parse_qs
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.study._frozen import FrozenStudy
from optuna.trial import FrozenTrial, TrialState

from planwise.errors import InputError
from planwise.settings import Settings
from planwise.study.optuna_storage import load_study, storage_of, stored_studies
from planwise.study.study_files import journal_file, study_folders

IDS = 10_000_000  # of one storage: a study's and a trial's ids are unique in it only
COOKIE = "planwise_studies"
HOST = "127.0.0.1"
TOKEN_BYTES = 32
Start = Callable[..., Any]


class ReadOnly(InputError):
    """Studies are only shown; `planwise optimize` and `planwise study` change them."""


class AllStudies(BaseStorage):
    """Every study of a home, and the studies of their checks, as one storage that rejects changes.

    New studies are seen when the list is read; ids stay the same while it is open.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._storages: dict[str, BaseStorage] = {}

    def get_all_studies(self) -> list[FrozenStudy]:
        """Return every study that can be read."""
        return [
            self._renumbered(place, study)
            for place, storage in enumerate(self._opened())
            for study in storage.get_all_studies()
        ]

    def get_study_id_from_name(self, study_name: str) -> int:
        """Return a study's id; raises KeyError."""
        for study in self.get_all_studies():
            if study.study_name == study_name:
                return int(study._study_id)
        raise KeyError(study_name)

    def get_study_name_from_id(self, study_id: int) -> str:
        """Return a study's name; raises KeyError."""
        storage, own = self._of(study_id)
        return storage.get_study_name_from_id(own)

    def get_study_directions(self, study_id: int) -> list[StudyDirection]:
        """Return a study's directions."""
        storage, own = self._of(study_id)
        return storage.get_study_directions(own)

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        """Return what is stored with a study."""
        storage, own = self._of(study_id)
        return storage.get_study_user_attrs(own)

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        """Return what Optuna stores with a study: the names of its metrics."""
        storage, own = self._of(study_id)
        return storage.get_study_system_attrs(own)

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """Return a trial; raises KeyError."""
        storage, own = self._of(trial_id)
        return storage.get_trial(own)

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """Return the trials of a study."""
        storage, own = self._of(study_id)
        return storage.get_all_trials(own, deepcopy=deepcopy, states=states)

    def _reject(self, *_: Any, **__: Any) -> NoReturn:
        raise ReadOnly("Studies can only be read here.", remedy="`planwise study delete` deletes one.")

    create_new_study = delete_study = set_study_user_attr = set_study_system_attr = _reject
    create_new_trial = set_trial_param = set_trial_state_values = set_trial_intermediate_value = _reject
    set_trial_user_attr = set_trial_system_attr = _reject

    def _opened(self) -> list[BaseStorage]:
        if self._settings.study_storage_url:
            names = [name for name, _, _ in stored_studies(self._settings)][:1]
        else:
            names = [n for n in study_folders(self._settings) if journal_file(self._settings, n).exists()]
        for name in names:
            if name not in self._storages:
                self._storages[name] = storage_of(load_study(self._settings, name))
        return list(self._storages.values())

    def _renumbered(self, place: int, study: FrozenStudy) -> FrozenStudy:
        return FrozenStudy(
            study_name=study.study_name,
            direction=None,
            directions=study.directions,
            user_attrs=study.user_attrs,
            system_attrs=study.system_attrs,
            study_id=place * IDS + study._study_id,
        )

    def _of(self, number: int) -> tuple[BaseStorage, int]:
        place, own = divmod(number, IDS)
        storages = self._opened()
        if place >= len(storages):
            raise KeyError(number)
        return storages[place], own


class GuardedSite:
    """Lets a browser read the pages that has opened the secret link, under this machine's own name only."""

    def __init__(self, inner: Callable[..., Iterable[bytes]], port: int) -> None:
        self._inner = inner
        self._hosts = {f"{name}:{port}" for name in (HOST, "localhost")}
        self._token = secrets.token_urlsafe(TOKEN_BYTES)
        self.link = f"http://{HOST}:{port}/?token={self._token}"

    def __call__(self, environ: Mapping[str, Any], start: Start) -> Iterable[bytes]:
        """Answer one request."""
        cookie = SimpleCookie(environ.get("HTTP_COOKIE", "")).get(COOKIE)
        given = parse_qs(environ.get("QUERY_STRING", "")).get("token", [""])[0]
        if environ.get("HTTP_HOST") not in self._hosts:
            return _answer(start, HTTPStatus.MISDIRECTED_REQUEST, "Open the link that the command printed.")
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return _answer(start, HTTPStatus.METHOD_NOT_ALLOWED, "Studies can only be read here.")
        if secrets.compare_digest(given.encode(), self._token.encode()):
            kept = f"{COOKIE}={self._token}; HttpOnly; SameSite=Strict; Path=/"
            return _answer(start, HTTPStatus.SEE_OTHER, "", ("Location", "/dashboard"), ("Set-Cookie", kept))
        if cookie is None or not secrets.compare_digest(cookie.value.encode(), self._token.encode()):
            return _answer(start, HTTPStatus.FORBIDDEN, "Open the link that the command printed.")
        return self._inner(environ, start)


def _answer(start: Start, status: HTTPStatus, text: str, *headers: tuple[str, str]) -> list[bytes]:
    start(f"{status.value} {status.phrase}", [("Content-Type", "text/plain; charset=utf-8"), *headers])
    return [text.encode()]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Write nothing: the addresses have the token."""


def open_site(settings: Settings, port: int) -> tuple[WSGIServer, str]:
    """Return a server on this machine that is ready to serve, and its secret link; port 0 is any free one."""
    from optuna_dashboard import wsgi  # with SciPy's and scikit-learn's parts, which take a while to import

    server = _Server((HOST, port), _Quiet)
    site = GuardedSite(wsgi(AllStudies(settings)), server.server_port)
    server.set_app(site)
    return server, site.link
