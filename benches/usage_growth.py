#!/usr/bin/env python3
"""Draws how the time of a question grows with the number of events.

    benches/usage_growth.py [MOST]

Runs `cargo bench -p incident-benches --bench usage_scan` up to MOST events (100,000,000 if
not given: about 12 GiB and ten minutes), prints its table, and writes
docs/usage-growth.svg: milliseconds against events, both by powers of ten, with a
dashed line for what grows as its data.
"""

import math
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = ROOT / "docs" / "usage-growth.svg"
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 440, 70, 190, 20, 50

# Name, column of the bench's table, colour.
LINES = [
    ("30 days, unsealed", "raw 30d ms", "#b3261e"),
    ("38 minutes, unsealed", "raw 38m ms", "#e08a00"),
    ("30 days, sealed", "30d ms", "#1a5fb4"),
    ("38 minutes, sealed", "38m ms", "#2e8b57"),
]
COLUMNS = ["events", "taken in /s", "MiB sealed", "raw 38m ms", "raw 30d ms", "38m ms", "30d ms", "users"]


def measured(most):
    bench = ["cargo", "bench", "-q", "-p", "incident-benches", "--bench", "usage_scan"]
    env = dict(os.environ, USAGE_MOST=str(most))
    text = subprocess.run(bench, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True, check=True).stdout
    print(text)
    lines = [line.split() for line in text.splitlines()]
    numbers = [list(map(float, line)) for line in lines if len(line) == len(COLUMNS) and line[0].isdigit()]
    return [dict(zip(COLUMNS, row)) for row in numbers]


def drawn(rows):
    times = [row[column] for row in rows for _, column, _ in LINES]
    x0, x1 = math.log10(rows[0]["events"]), math.log10(rows[-1]["events"])
    y0, y1 = math.floor(math.log10(min(times))), math.ceil(math.log10(max(times)))

    def x(events):
        return LEFT + (math.log10(events) - x0) / (x1 - x0) * (WIDTH - LEFT - RIGHT)

    def y(ms):
        return HEIGHT - BOTTOM - (math.log10(ms) - y0) / (y1 - y0) * (HEIGHT - TOP - BOTTOM)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        "<title>Distinct users of 500 tenants in memory: milliseconds against events</title>",
    ]
    for power in range(y0, y1 + 1):
        at = y(10**power)
        name = f"{10**power:g} ms" if power < 3 else f"{10 ** (power - 3):g} s"
        parts.append(f'<line x1="{LEFT}" y1="{at:.1f}" x2="{WIDTH - RIGHT}" y2="{at:.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end" fill="#444">{name}</text>')
    for row in rows:
        at, name = x(row["events"]), f'{row["events"]:,.0f}'
        parts.append(f'<line x1="{at:.1f}" y1="{TOP}" x2="{at:.1f}" y2="{HEIGHT - BOTTOM}" stroke="#ddd"/>')
        parts.append(f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle" fill="#444">{name}</text>')
    parts.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2:.0f}" y="{HEIGHT - 8}" text-anchor="middle" fill="#444">events of 30 days</text>')
    # As much longer as there is more, from the first point of the topmost line on.
    first, last = rows[0], rows[-1]
    start = first[LINES[0][1]]
    end = start * last["events"] / first["events"]
    shown = min(end, 10**y1)
    upto = first["events"] * shown / start
    parts.append(
        f'<line x1="{x(first["events"]):.1f}" y1="{y(start):.1f}" x2="{x(upto):.1f}" y2="{y(shown):.1f}" '
        'stroke="#888" stroke-dasharray="5 4"/>'
    )
    ends = sorted((y(last[column]), name, colour) for name, column, colour in LINES)
    below = 0
    for at, name, colour in ends:
        below = max(at + 4, below + 16)
        parts.append(f'<text x="{WIDTH - RIGHT + 8}" y="{below:.1f}" fill="{colour}">{name}</text>')
    for _, column, colour in LINES:
        points = " ".join(f'{x(row["events"]):.1f},{y(row[column]):.1f}' for row in rows)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for row in rows:
            parts.append(f'<circle cx="{x(row["events"]):.1f}" cy="{y(row[column]):.1f}" r="3" fill="{colour}"/>')
    return "\n".join([*parts, "</svg>", ""])


def main():
    rows = measured(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000_000)
    OUT.write_text(drawn(rows))
    print(f"wrote {OUT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
