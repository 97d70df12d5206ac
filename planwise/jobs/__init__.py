"""Background jobs, stored as files: every process sees the same state, and it survives restarts."""

from planwise.jobs.folder import JobFolder, folder_of, job_folders, new_job
from planwise.jobs.job import ENDED, Job, JobFailure, JobKind, JobStep, State, Table
from planwise.jobs.reader import JobReader
from planwise.jobs.writer import JobWriter

__all__ = [
    "ENDED",
    "Job",
    "JobFailure",
    "JobFolder",
    "JobKind",
    "JobReader",
    "JobStep",
    "JobWriter",
    "State",
    "Table",
    "folder_of",
    "job_folders",
    "new_job",
]
