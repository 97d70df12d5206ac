"""Operational settings, from the environment or a `.env` file."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

REPOSITORY = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Operational settings (`PLANWISE_*`); pay levers and assumptions are parameters, not settings."""

    model_config = SettingsConfigDict(env_prefix="PLANWISE_", env_file=".env", extra="ignore", frozen=True)

    home: Path = Field(default=Path(".planwise"), description="Home folder with all stored data")
    project: Path = Field(default=REPOSITORY / "sqlmesh_project", description="The SQLMesh project")
    valid_rows_min_share: float = Field(
        default=0.999, ge=0, le=1, description="Imports with a smaller share of valid rows fail"
    )
    lock_timeout_seconds: float = Field(default=600.0, ge=0, description="How long to wait for the warehouse")
    ledger_url: str | None = Field(
        default=None, description="SQLAlchemy URL; a SQLite file in the home by default"
    )
    study_storage_url: str | None = Field(
        default=None, description="Optuna RDB URL; a journal file by default"
    )
    threads: int = Field(default=1, ge=1, description="DuckDB threads of one evaluation")
    jobs_at_once: int = Field(
        default=2, ge=1, description="Jobs of the dashboard that run at once; others wait"
    )
    preview_workers: int = Field(
        default=2, ge=1, le=16, description="Processes of the dashboard for live previews"
    )
    jobs_kept: int = Field(default=200, ge=1, description="Ended jobs whose files are kept")

    @property
    def root(self) -> Path:
        """The home as an absolute path."""
        return self.home.expanduser().resolve()

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
    def ledger(self) -> str:
        """SQLAlchemy URL of the ledger."""
        return self.ledger_url or f"sqlite:///{self.root / 'ledger.sqlite'}"


class SignInSettings(BaseSettings):
    """Sign-in settings of the dashboard (`PLANWISE_*`); no sign-in unless `auth` is set."""

    model_config = SettingsConfigDict(env_prefix="PLANWISE_", env_file=".env", extra="ignore", frozen=True)

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
        default="auditor", description="Role of users without a mapped role; `none` refuses them"
    )
