"""What the page says while there is nothing to show: what to do, in commands."""

from html import escape
from pathlib import Path


def nothing_published(home: Path) -> str:
    """Return the empty state of a home without a published result."""
    return (
        '<div class="empty"><h2>Nothing is published yet</h2>'
        "<p>A result shows up here by itself as soon as a simulation has passed its quality gate.</p><ol>"
        "<li>Bring in the people: <code>planwise census import FILE</code>, or a synthetic census: "
        "<code>planwise census generate --employees 10000</code></li>"
        "<li>Simulate the baseline: <code>planwise simulate</code></li>"
        "<li>Look for levers that meet a target: "
        "<code>planwise optimize --target-growth 0.03</code></li></ol>"
        f"<p>All at once: <code>planwise demo</code>. This page looks at <code>{escape(str(home))}</code>; "
        "another folder: <code>planwise serve --home FOLDER</code>.</p></div>"
    )


def no_study() -> str:
    """Return what stands in a study's place while there is none."""
    return (
        '<div class="notice"><p>No study has been run yet.</p><p class="remedy">'
        "<code>planwise optimize --target-growth 0.03</code> looks for the levers that meet a target; "
        "its convergence shows here while it runs.</p></div>"
    )
