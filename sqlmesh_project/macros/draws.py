"""Uniform draws as a pure function of stable keys: one md5 per person, year and block, four lanes each.

u(employee, year, stream, seed) is the same on every engine, thread count and row order, because md5 is. A
stream is a lane of a block: 32 of the digest's 128 bits, read as the midpoint of one of 2^32 cells of (0, 1),
so neither end is ever drawn. Never replace this by a multi-argument hash(): adjacent years then correlate.
"""

from sqlmesh import macro

STREAMS = {
    "person": ("termination", "termination_date", "promotion", "reduction"),
    "hire_profile": ("level", "template", "hire_date", "range_position"),
    "hire_exit": ("new_hire_termination", "new_hire_termination_date"),
}
CELLS = 2**32
HEX_DIGITS_PER_LANE = 8


@macro()
def draw_block(evaluator, seed, year, employee_id, block):
    """Return the digest of one person-year's block, as 32 hexadecimal digits."""
    name = block.name
    if name not in STREAMS:
        raise ValueError(f"draw_block: unknown block {name!r}; blocks are {sorted(STREAMS)}")
    dialect = evaluator.dialect
    key = f"CAST({seed.sql(dialect)} AS TEXT) || '|{year.sql(dialect)}|{name}|' || {employee_id.sql(dialect)}"
    return f"MD5({key})"


@macro()
def draw(evaluator, digest, stream):
    """Return the uniform draw in (0, 1) of one stream from its block's digest."""
    name = stream.name
    lanes = {s: lane for lanes in STREAMS.values() for lane, s in enumerate(lanes)}
    if name not in lanes:
        raise ValueError(f"draw: unknown stream {name!r}; streams are {sorted(lanes)}")
    first = lanes[name] * HEX_DIGITS_PER_LANE + 1
    digits = f"SUBSTRING({digest.sql(evaluator.dialect)}, {first}, {HEX_DIGITS_PER_LANE})"
    if evaluator.runtime_stage != "loading" and evaluator.engine_adapter.dialect == "postgres":
        return f"(CAST(CAST('x' || {digits} AS BIT(32)) AS BIGINT) + 0.5) / {CELLS}.0"
    return f"(CAST(CAST('0x' || {digits} AS BIGINT) AS DOUBLE) + 0.5) / {CELLS}.0"
