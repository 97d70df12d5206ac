"""Long work and how it stands, in files: whoever looks sees the same, and a restart loses nothing."""

from planwise.jobs.folder import JobFolder, folder_of, job_folders, new_job
from planwise.jobs.job import ENDED, Failure, Job, Kind, State, Step, Table
from planwise.jobs.reader import JobReader
from planwise.jobs.writer import JobWriter

__all__ = [
    "ENDED",
    "Failure",
    "Job",
    "JobFolder",
    "JobReader",
    "JobWriter",
    "Kind",
    "State",
    "Step",
    "Table",
    "folder_of",
    "job_folders",
    "new_job",
]
