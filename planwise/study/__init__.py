"""The search for levers that meet a target: space, objectives, strategies, runner, results."""
