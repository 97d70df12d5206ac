"""Uniform draws as a pure function of stable keys: one md5 per person, year and block, four lanes each.

u(employee, year, stream, seed) is the same on every engine, thread count and row order, because md5 is. A
stream is a lane of a block: 32 of the digest's 128 bits, read as the midpoint of one of 2^32 cells of (0, 1),
so neither end is ever drawn. Never replace this by a multi-argument hash(): adjacent years then correlate.
"""

from sqlmesh import macro

STREAMS = {
    "person": ("termination", "termination_date", "promotion", "reduction"),
    "hire_profile": ("level", "template", "hire_date", "range_position"),
    "drift_donor": ("drift_donor",),
    "hire_exit": ("new_hire_termination", "new_hire_termination_date"),
    "relative_exits": ("radius", "angle"),  # of a band, a level, a department in a world
    "group_drift": ("radius", "angle"),
}
CELLS = 2**32
HEX_DIGITS_PER_LANE = 8
LANE_BITS = 32
LOW_64_BITS = 2**64 - 1
EVEN_BYTES = 0x00FF00FF00FF00FF  # of 64 bits: every second one, the lowest included
EVEN_PAIRS = 0x0000FFFF0000FFFF
TWO_PI = 6.283185307179586


@macro()
def draw_block(evaluator, seed, year, employee_id, block):
    """Return the digest of one person-year's block: 32 hexadecimal digits, on DuckDB a number of 128 bits."""
    name = block.name
    if name not in STREAMS:
        raise ValueError(f"draw_block: unknown block {name!r}; blocks are {sorted(STREAMS)}")
    dialect = evaluator.dialect
    key = f"CAST({seed.sql(dialect)} AS TEXT) || '|{year.sql(dialect)}|{name}|' || {employee_id.sql(dialect)}"
    return f"MD5({key})" if evaluator.var("engine") == "postgres" else f"MD5_NUMBER({key})"


@macro()
def draw(evaluator, digest, stream):
    """Return the uniform draw in (0, 1) of one stream from its block's digest."""
    return _uniform(evaluator, digest.sql(evaluator.dialect), stream.name)


@macro()
def normal_draw(evaluator, digest):
    """Return a standard normal draw from the digest of a block of two streams (Box and Muller's)."""
    read = digest.sql(evaluator.dialect)
    radius, angle = (f"CAST({_uniform(evaluator, read, name)} AS DOUBLE)" for name in ("radius", "angle"))
    return f"SQRT(-2 * LN({radius})) * COS({TWO_PI} * {angle})"


def _uniform(evaluator, read: str, name: str) -> str:
    lanes = {s: lane for lanes in STREAMS.values() for lane, s in enumerate(lanes)}
    if name not in lanes:
        raise ValueError(f"draw: unknown stream {name!r}; streams are {sorted(lanes)}")
    lane = lanes[name]
    if evaluator.var("engine") != "postgres":  # a number takes a third less time than text
        return f"(CAST({_lane_of_number(read, lane)} AS DOUBLE) + 0.5) / {CELLS}.0"
    digits = f"SUBSTRING({read}, {lane * HEX_DIGITS_PER_LANE + 1}, {HEX_DIGITS_PER_LANE})"
    return f"(CAST(CAST('x' || {digits} AS BIT(32)) AS BIGINT) + 0.5) / {CELLS}.0"


def _lane_of_number(digest: str, lane: int) -> str:
    """Return a lane of a digest that is a number whose lowest byte is the digest's first.

    Two lanes share a half, whose bytes are turned round in each lane of it at once.
    """
    half = f"CAST({digest} & {LOW_64_BITS} AS UBIGINT)" if lane < 2 else f"CAST({digest} >> 64 AS UBIGINT)"
    pairs = f"((({half} & {EVEN_BYTES}) << 8) | (({half} >> 8) & {EVEN_BYTES}))"
    turned = f"((({pairs} & {EVEN_PAIRS}) << 16) | (({pairs} >> 16) & {EVEN_PAIRS}))"
    return f"({turned} & {2**LANE_BITS - 1})" if lane % 2 == 0 else f"({turned} >> {LANE_BITS})"
