"""What can go wrong with a preview besides the question itself."""

from planwise.errors import PlanWiseError


class PreviewFailed(PlanWiseError):
    """A preview could not be computed: its worker process ended twice, broke, or the server is stopping."""
