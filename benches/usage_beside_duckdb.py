#!/usr/bin/env python3
"""Distinct users beside DuckDB: the same events, interleaved rounds, one run.

    benches/usage_beside_duckdb.py [ROUNDS]

Installs DuckDB from its registry into target/usage-duckdb (nothing else is needed),
builds the bench, and prints medians and ratios. USAGE_EVENTS sets how many events
there are (20,000,000 if not given). DuckDB has one thread and the better of two orders
of its table; it is asked for the counts of each tenant, and in a second column for the
distinct total as well, which ours always answers.
"""

import csv
import os
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
HOME = ROOT / "target" / "usage-duckdb"
DATA = HOME / "data"
VERSION = "2.0.0"


def in_venv():
    """Starts again inside an environment that has DuckDB."""
    python = HOME / "venv" / "bin" / "python"
    if pathlib.Path(sys.prefix) == HOME / "venv":
        return
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", HOME / "venv"], check=True)
        subprocess.run([python, "-m", "pip", "-q", "install", f"duckdb=={VERSION}"], check=True)
    os.execv(python, [str(python), *sys.argv])


def rows(name):
    with open(DATA / name, newline="") as file:
        return list(csv.DictReader(file))


class Ours:
    def __init__(self):
        DATA.mkdir(parents=True, exist_ok=True)
        bench = ["cargo", "bench", "-q", "-p", "incident-benches", "--bench", "usage_scan", "--", "serve", str(DATA)]
        self.process = subprocess.Popen(bench, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        line = self.process.stdout.readline().split()
        assert line[0] == "ready", line
        self.roof, self.raw_rate, self.sealed_rate, self.raw_bytes, self.sealed_bytes = map(float, line[1:])

    def ask(self, way, window, tenants):
        self.process.stdin.write(f"{way} {window} {tenants}\n")
        millis, users, total = self.process.stdout.readline().split()
        return float(millis), int(users), int(total)


class Duck:
    def __init__(self, windows, tenants):
        import duckdb

        self.windows = {row["window"]: (row["start"], row["end"]) for row in windows}
        self.tenants = {row["name"]: (int(row["tenants"]), int(row["every"])) for row in tenants}
        self.base = duckdb.connect()
        self.base.execute("set threads=1")
        # A user is known by a UUID, as ours is.
        read = f"""select tenant, user_id, md5(user_id::varchar)::uuid as user_uuid, service, moment
                   from (select tenant::int as tenant, "user"::bigint as user_id, service::int as service, "at"::bigint as moment
                         from read_csv('{DATA}/events.csv'))"""
        self.base.execute(f"create table by_time as {read} order by moment")
        self.base.execute("create table by_tenant as select * from by_time order by tenant, moment")

    def ask(self, table, column, window, tenants, total):
        start, end = self.windows[window]
        most, every = self.tenants[tenants]
        wanted = "" if every == 1 and most > 1 else f" and tenant in ({','.join(map(str, range(0, most, every)))})"
        groups = "grouping sets ((tenant), ())" if total else "tenant"
        query = f"""select sum(n) filter (where tenant is not null), max(n) filter (where tenant is null) from (
                        select tenant, count(distinct {column}) as n from {table}
                        where moment >= {start} and moment < {end}{wanted} group by {groups})"""
        began = time.perf_counter()
        users, everybody = self.base.execute(query).fetchone()
        return (time.perf_counter() - began) * 1e3, int(users), everybody


def geometric(values):
    return statistics.geometric_mean(values)


def main():
    in_venv()
    rounds = max(5, int(sys.argv[1])) if len(sys.argv) > 1 else 5
    ours = Ours()
    windows, tenants = rows("questions.csv"), rows("tenants.csv")
    duck = Duck(windows, tenants)
    print(f"load average {os.getloadavg()[0]:.1f}, roof {ours.roof:.1f} GB/s, {rounds} rounds, medians in ms")
    print(f"taken in: {ours.raw_rate:,.0f} events/s raw, {ours.sealed_rate:,.0f} with sealing; "
          f"{ours.raw_bytes / 2**20:,.0f} and {ours.sealed_bytes / 2**20:,.0f} MiB")
    print(f"{'cell':>10} {'users':>10} {'raw':>9} {'sealed':>9} {'3 services':>10} {'duck':>9} {'duck+total':>10} {'duck/raw':>9} {'duck/sealed':>11}")
    raw_ratios, sealed_ratios, slower = [], [], []
    for window in (row["window"] for row in windows):
        for name in (row["name"] for row in tenants):
            times, users = {}, set()

            def note(key, answer):
                times.setdefault(key, []).append(answer[0])
                users.add(answer[1])

            for _ in range(rounds + 1):
                for way in ("raw", "sealed"):
                    note(way, ours.ask(way, window, name))
                times.setdefault("filtered", []).append(ours.ask("filtered", window, name)[0])
                for table in ("by_time", "by_tenant"):
                    for column in ("user_id", "user_uuid"):
                        note(("duck", table, column), duck.ask(table, column, window, name, False))
                note(("total", "by_tenant"), duck.ask("by_tenant", "user_id", window, name, True))
            assert len(users) == 1, f"the engines disagree: {users}"
            # The first round warms up.
            median = {key: statistics.median(all_[1:]) for key, all_ in times.items()}
            best = min(value for key, value in median.items() if key[0] == "duck")
            total = median[("total", "by_tenant")]
            raw, sealed = best / median["raw"], best / median["sealed"]
            raw_ratios.append(raw)
            sealed_ratios.append(sealed)
            if min(raw, sealed) < 1:
                slower.append(f"{window}/{name}")
            print(f"{window + '/' + name:>10} {users.pop():>10,} {median['raw']:>9.3f} {median['sealed']:>9.3f} {median['filtered']:>10.3f} "
                  f"{best:>9.2f} {total:>10.2f} {raw:>8.1f}x {sealed:>10.1f}x", flush=True)
            if (window, name) == ("30d", "all"):
                events = int(os.environ.get("USAGE_EVENTS", 20_000_000))
                floor = events * 4 / (ours.roof * 1e9) * 1e3
                print(f"           30d/all sealed is {median['sealed'] / floor:.1f} times the time to read 4 bytes an event")
    print(f"geometric mean: raw {geometric(raw_ratios):.1f}x, sealed {geometric(sealed_ratios):.1f}x; slower cells: {slower or 'none'}")


if __name__ == "__main__":
    main()
