"""Performance of runs: measured blocks, alerts, history, verdicts against a baseline; drift of a plan."""

from planwise.monitoring.monitor import (
    BlockFigures,
    MonitoredBlock,
    add_block,
    describe_run,
    monitor_block,
    monitor_run,
)

__all__ = ["BlockFigures", "MonitoredBlock", "add_block", "describe_run", "monitor_block", "monitor_run"]
