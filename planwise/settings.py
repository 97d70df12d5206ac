"""Where everything lives and the few operational limits, from the environment or a `.env` file."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

REPOSITORY = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Operational settings (`PLANWISE_*`); pay levers and assumptions are parameters, not settings."""

    model_config = SettingsConfigDict(env_prefix="PLANWISE_", env_file=".env", extra="ignore", frozen=True)

    home: Path = Field(default=Path(".planwise"), description="Folder that holds every store")
    project: Path = Field(default=REPOSITORY / "sqlmesh_project", description="The SQLMesh project")
    valid_rows_min_share: float = Field(
        default=0.999, ge=0, le=1, description="An import below this share fails"
    )
    lock_timeout_seconds: float = Field(default=600.0, ge=0, description="How long to wait for the warehouse")
    ledger_url: str | None = Field(
        default=None, description="SQLAlchemy URL; a SQLite file in the home by default"
    )
    study_storage_url: str | None = Field(
        default=None, description="Optuna RDB URL; a journal file by default"
    )
    threads: int = Field(default=1, ge=1, description="DuckDB threads of one evaluation")

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
        """Names the process that writes the warehouse."""
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
    def ledger(self) -> str:
        """SQLAlchemy URL of the ledger."""
        return self.ledger_url or f"sqlite:///{self.root / 'ledger.sqlite'}"
