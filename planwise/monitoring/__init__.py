"""Performance of runs: measured blocks, alerts, history in the ledger, reports against a baseline."""

from planwise.monitoring.monitor import (
    BlockFigures,
    MonitoredBlock,
    add_block,
    describe_run,
    monitor_block,
    monitor_run,
)

__all__ = ["BlockFigures", "MonitoredBlock", "add_block", "describe_run", "monitor_block", "monitor_run"]
