"""What one browser session has: store, actions, what it looks at, its draft, ways to reach the user."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from typing import Any, Literal, ParamSpec, TypeVar
from weakref import WeakKeyDictionary, ref
from zoneinfo import ZoneInfo

import panel as pn
import param

from planwise.errors import PlanWiseError
from planwise.formatting import Local, local_by, written_for
from planwise.governance import Action
from planwise.governance.roles import acting_as
from planwise.settings import Settings
from ui.draft import Draft
from ui.jobs.actions import Actions
from ui.live_preview import PreviewService
from ui.queries.audit import AuditReader
from ui.queries.individual_pay import IndividualPay
from ui.selection import Selection
from ui.store import Store
from ui.values.user import NO_ROLE, User

P = ParamSpec("P")
R = TypeVar("R")
Tone = Literal["info", "success", "warning", "error"]
NOTICES_KEPT = 50
ARRIVES_SECONDS, ASK_SECONDS = 30.0, 0.05  # no browser takes longer to draw
THREADS = 4  # for reads that take long; simulation has processes of its own
LOG = logging.getLogger("planwise.ui")


@dataclass(frozen=True)
class Notice:
    """A notification; `link` is a page and its selection."""

    text: str
    tone: Tone
    remedy: str
    at: datetime
    link: tuple[str, dict[str, Any]] | None = None


@dataclass(frozen=True)
class Services:
    """What all sessions of a server share."""

    settings: Settings
    store: Store
    previews: PreviewService | None = None
    threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(THREADS, thread_name_prefix="read")
    )


class Session(param.Parameterized):
    """One browser tab's state; views keep nothing that another view needs."""

    notices = param.ClassSelector(default=(), class_=tuple, doc="Notifications, the newest first.")

    def __init__(self, services: Services, user: User) -> None:
        super().__init__()
        self.services = services
        self.store = services.store
        self.previews = services.previews.session() if services.previews else None
        self.user = user
        self.actions = Actions(services.settings, user)
        self.selection = Selection()
        self.draft = Draft(services.store.plans.effective)
        self.terms = Local()  # currency and names of levels of what the page shows
        self.zone: tzinfo | None = None  # the browser's; None: the server's
        self._endings: list[Callable[[], None]] = []
        self.ended = False
        self._arrived = True
        if pn.state.curdoc is not None and pn.state.curdoc.session_context is not None:
            pn.state.on_session_destroyed(lambda _: self.end())
            _SESSIONS[pn.state.curdoc] = ref(self)
            self._arrived = False

    @property
    def can_edit(self) -> bool:
        """Whether the user may create and change scenarios."""
        return self.user.can_edit

    @property
    def can_run(self) -> bool:
        """Whether the user may start and cancel runs and studies."""
        return self.user.can_run

    @property
    def can_see_individual_pay(self) -> bool:
        """Whether the user may see single people and their pay."""
        return self.user.can_see_individual_pay

    @property
    def can_audit(self) -> bool:
        """Whether the user may read the audit trail."""
        return self.user.can(Action.AUDIT)

    @property
    def audit(self) -> AuditReader:
        """The reader of the audit trail; raises Forbidden unless the user may read it."""
        return self.store.audit(self.user)

    @property
    def individual_pay(self) -> IndividualPay:
        """The reader of single people; raises InputError unless the user may see their pay."""
        return self.store.individual_pay(self.user)

    @property
    def local(self) -> Local:
        """How money and times are written in this session."""
        return replace(self.terms, zone=self.zone)

    def go(self, page: str, **selection: Any) -> None:
        """Show another page, with these choices."""
        self.selection.param.update(page=page, **selection)

    def notify(
        self,
        text: str,
        *,
        tone: Tone = "info",
        remedy: str = "",
        link: tuple[str, dict[str, Any]] | None = None,
    ) -> None:
        """Show a notification: at once as a toast, later in the list of notifications."""
        notice = Notice(text, tone, remedy, datetime.now(UTC), link)
        self.notices = (notice, *self.notices)[:NOTICES_KEPT]

    def notify_error(self, error: PlanWiseError, tone: Tone = "error") -> None:
        """Show an error with its remedy."""
        self.notify(error.what, tone=tone, remedy=error.remedy or "")

    async def offload(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run blocking work as this user on a thread, so that no other session waits; raises what it does."""

        def here() -> R:
            with written_for(self.local), acting_as(self.user.name, self.user.role):
                return work(*args, **kwargs)

        result = await asyncio.get_running_loop().run_in_executor(self.services.threads, here)
        await self._arrival()
        return result

    def record_download(self, name: str, content: bytes) -> None:
        """Record that this user is sent a file; raises PlanWiseError when the ledger cannot."""
        from planwise.app.exports import record_download

        what = f"{self.selection.page or 'overview'} page"
        with acting_as(self.user.name, self.user.role):
            record_download(
                self.services.settings, content, what, name=name, scenario=self.selection.scenario or None
            )

    def every(self, milliseconds: int, callback: Callable[[], Any], *, unseen: bool = False) -> Any:
        """Call back again and again until the session ends; the handle has `stop()` and `start()`.

        `unseen` does so before the browser has said that it has the page, which it may never do.
        """
        handle = pn.state.add_periodic_callback(
            lambda: callback() if unseen or self._arrived else None, period=milliseconds
        )
        self.on_end(handle.stop)
        return handle

    def on_end(self, callback: Callable[[], None]) -> None:
        """Call back when the session ends."""
        self._endings.append(callback)

    def arrive(self) -> None:
        """Note that the browser has the page: from now on, what changes is sent to it.

        Panel believes so only when everything is drawn: until then it drops changes, or fails to send them.
        """
        self._arrived = True
        if pn.state.curdoc is not None:
            pn.state._connected[pn.state.curdoc] = True
            pn.state._loaded[pn.state.curdoc] = True

    async def _arrival(self) -> None:
        """Wait until the browser has the page."""
        waited = 0.0
        while not self._arrived and not self.ended and waited < ARRIVES_SECONDS:
            await asyncio.sleep(ASK_SECONDS)
            waited += ASK_SECONDS
        self._arrived = True

    def sign_out(self) -> None:
        """Take all rights from this session: its user has signed out, or has another role."""
        self.user = replace(self.user, role=NO_ROLE)
        self.actions = Actions(self.services.settings, self.user)

    def end(self) -> None:
        """Free what the session holds; safe to call twice."""
        self.ended = True
        endings, self._endings = self._endings, []
        for ending in reversed(endings):
            try:
                ending()
            except Exception:  # the others must be freed too
                LOG.exception("A session's end failed in part")


_SESSIONS: WeakKeyDictionary[Any, ref[Session]] = WeakKeyDictionary()  # by Bokeh's document


def session_here() -> Session | None:
    """Return the session whose document is worked on; None outside of one."""
    found = _SESSIONS.get(pn.state.curdoc) if pn.state.curdoc is not None else None
    return found() if found is not None else None


def zone_of(name: str) -> tzinfo | None:
    """Return a browser's time zone; None for a name that this machine does not know."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def _local_of_session() -> Local | None:
    session = session_here()
    return None if session is None else session.local


local_by(_local_of_session)
