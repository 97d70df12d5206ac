"""Operational settings, from the environment or the `.env` file of the home."""

import os
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from planwise.errors import InputError

if TYPE_CHECKING:
    from sqlalchemy import URL

REPOSITORY = Path(__file__).resolve().parent.parent  # a checkout, or the folder of an installation
HOME_VARIABLE, DEFAULT_HOME = "PLANWISE_HOME", Path(".planwise")
FILE = ".env"
# Only the environment names the home and the code, which the cache is too; a file may come with a folder from
# elsewhere.
NOT_IN_FILE = frozenset({"home", "project", "cache_dir"})


def home_folder(home: Path | str | None = None) -> Path:
    """Return the home as an absolute path: `home`, else PLANWISE_HOME, else `.planwise` here.

    Raises InputError for one that cannot be a folder, or that a database cannot use.
    """
    stated = Path(home or os.environ.get(HOME_VARIABLE) or DEFAULT_HOME)
    try:
        root = stated.expanduser()
        problem = _problem_of(root)
        root = root.resolve()
    except (OSError, RuntimeError, ValueError) as error:  # too long, a loop of links, no such user
        problem = getattr(error, "strerror", None) or str(error).rstrip(".")
    if problem:
        raise InputError(
            f"The home {str(stated)[:200]!r} cannot be used: {problem}.",
            remedy=f"Give another folder, by --home or {HOME_VARIABLE}.",
        )
    return root


def _problem_of(home: Path) -> str | None:
    if any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in str(home)):
        return "its name has control characters or is not UTF-8"
    if marks := sorted({"?", "="} & set(str(home))):
        return f"DuckDB cannot use a path with {' or '.join(marks)}"  # a column, or options of the file
    if home.is_symlink() and not home.exists():
        return f"it is a link to {home.readlink()}, which does not exist"
    nearest = next((folder for folder in (home, *home.parents) if folder.exists()), None)
    return None if nearest is None or nearest.is_dir() else f"{nearest} is not a folder"


class _HomeFile(DotEnvSettingsSource):
    """The lines of the home's `.env`; raises InputError for one that names another home or code."""

    def __call__(self) -> dict[str, Any]:
        values = super().__call__()
        if refused := sorted(NOT_IN_FILE & values.keys()):
            raise InputError(
                f"{self.env_file} sets PLANWISE_{refused[0].upper()}, which only the environment can.",
                remedy="Delete the line, and set it in the environment if it is yours.",
            )
        return values


class HomeSettings(BaseSettings):
    """Settings from the environment (`PLANWISE_*`), then the `.env` file of the home; nowhere else."""

    model_config = SettingsConfigDict(env_prefix="PLANWISE_", extra="ignore", frozen=True)

    home: Path = Field(default=DEFAULT_HOME, description="Home folder with all stored data")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the sources, the first that has a value first."""
        home = home_folder(init_settings().get("home"))
        return init_settings, env_settings, _HomeFile(settings_cls, env_file=home / FILE)

    @property
    def root(self) -> Path:
        """The home as an absolute path."""
        return home_folder(self.home)


class Settings(HomeSettings):
    """Operational settings; pay levers and assumptions are parameters, not settings."""

    project: Path = Field(default=REPOSITORY / "sqlmesh_project", description="The SQLMesh project")
    valid_rows_min_share: float = Field(
        default=0.999, ge=0, le=1, description="Imports with a smaller share of valid rows fail"
    )
    lock_timeout_seconds: float = Field(default=600.0, ge=0, description="How long to wait for the warehouse")
    ledger_url: str | None = Field(
        default=None, description="SQLAlchemy URL; a SQLite file in the home by default"
    )
    ledger_key_file: Path | None = Field(
        default=None, description="A file (mode 600) with the key that signs the audit trail's events"
    )
    backups_dir: Path | None = Field(
        default=None, description="Folder of backups, best on another disk; in the home by default"
    )
    cache_dir: Path | None = Field(
        default=None,
        description="Folder of prepared models, which several homes may share; in the home by default",
    )
    warehouse_url: str | None = Field(
        default=None, description="URL of a PostgreSQL database for `sqlmesh` with PLANWISE_GATEWAY=postgres"
    )
    study_storage_url: str | None = Field(
        default=None, description="Optuna RDB URL; a journal file by default"
    )
    threads: int = Field(default=1, ge=1, description="DuckDB threads of one evaluation")
    memory_limit_gib: float | None = Field(
        default=None,
        gt=0,
        description="Memory of the database in one evaluation; the rest of its work goes to the disk",
    )
    jobs_at_once: int = Field(
        default=2, ge=1, description="Jobs of the dashboard that run at once; others wait"
    )
    preview_workers: int = Field(
        default=2, ge=1, le=16, description="Processes of the dashboard for live previews"
    )
    dashboard_url: str | None = Field(
        default=None, description="Address of the dashboard, for links in Prefect; set by `planwise up`"
    )
    jobs_kept: int = Field(default=200, ge=1, description="Ended jobs whose files are kept")

    def require_project(self) -> Path:
        """Return the SQLMesh project; raises InputError for a folder without its models."""
        if not (self.project / "models" / "marts").is_dir():
            raise InputError(
                f"{self.project} is not the SQLMesh project of PlanWise: it has no models.",
                remedy="Correct or unset PLANWISE_PROJECT; if it is not set, install PlanWise again.",
            )
        return self.project

    @property
    def warehouse_file(self) -> Path:
        """SQLMesh's tables and state: one DuckDB file, one writer at a time."""
        return self.root / "warehouse.duckdb"

    @property
    def warehouse_lock_file(self) -> Path:
        """Lock file with the process that writes the warehouse."""
        return self.root / "warehouse.lock"

    @property
    def workers_dir(self) -> Path:
        """Worker warehouses, one file per worker."""
        return self.root / "workers"

    @property
    def censuses_dir(self) -> Path:
        """Registered censuses, one folder each."""
        return self.root / "censuses"

    @property
    def published_dir(self) -> Path:
        """Gate-passed marts as Parquet, one folder per scenario and fingerprint."""
        return self.root / "published"

    @property
    def studies_dir(self) -> Path:
        """Optuna's journal and study reports."""
        return self.root / "studies"

    @property
    def jobs_dir(self) -> Path:
        """Background jobs, one folder each."""
        return self.root / "jobs"

    @property
    def uploads_dir(self) -> Path:
        """Payroll files that are being imported in the dashboard, one folder each."""
        return self.root / "uploads"

    @property
    def backup_folder(self) -> Path:
        """Where `planwise backup` writes."""
        return self.backups_dir or self.root / "backups"

    @property
    def cache_folder(self) -> Path:
        """Where models and the SQL of previews are kept once they are made; it can be deleted."""
        return self.cache_dir or self.root / "cache"

    @property
    def ledger(self) -> "str | URL":
        """SQLAlchemy URL of the ledger."""
        from sqlalchemy import URL  # a URL's text cannot have every path

        return self.ledger_url or URL.create("sqlite", database=str(self.root / "ledger.sqlite"))


class SignInSettings(HomeSettings):
    """Sign-in settings of the dashboard; no sign-in unless `auth` is set."""

    auth: Literal["off", "basic", "oidc"] = Field(default="off", description="How people sign in")
    users_file: Path | None = Field(default=None, description="Users of `basic`; in the home by default")
    cookie_secret: SecretStr | None = Field(
        default=None, min_length=32, description="Key that signs the cookies; a file in the home by default"
    )
    session_hours: float = Field(default=12.0, gt=0, le=168, description="A session ends after this time")
    idle_minutes: float = Field(
        default=60.0, gt=0, description="A session ends after this time without input"
    )
    oidc_issuer: str | None = Field(default=None, description="The provider's issuer URL")
    oidc_client_id: str | None = Field(default=None, description="The dashboard's client ID at the provider")
    oidc_client_secret: SecretStr | None = Field(
        default=None, description="The client secret, if there is one"
    )
    oidc_client_secret_file: Path | None = Field(default=None, description="A file with the secret instead")
    oidc_scopes: str = Field(
        default="openid profile email", description="Requested scopes, separated by blanks"
    )
    oidc_name_claim: str = Field(default="preferred_username", description="The claim with the user's name")
    oidc_role_claim: str = Field(default="roles", description="The claim with roles: `realm_access.roles`")
    oidc_roles: dict[str, str] = Field(
        default={}, description='Roles by value of that claim, as JSON: {"hr": "analyst"}'
    )
    oidc_default_role: str = Field(
        default="none", description="Role of users without a mapped role; `none` refuses them"
    )
