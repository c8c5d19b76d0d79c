#!/usr/bin/env python3
"""Times and weighs mattecore beside its peers, in turn, on the same cores. See README.md."""

import argparse
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from cases import all_cases
from harness import chart, machine, memory, report, timing
from harness.case import Case


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Returns the parsed command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", metavar="NAME", help="cases whose name begins so; may be repeated")
    parser.add_argument("--threads", type=lambda text: [int(n) for n in text.split(",")], metavar="1,2")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there")
    parser.add_argument("--chart", type=Path, metavar="FILE.svg", help="draw the ratios there")
    parser.add_argument(
        "--seconds", type=float, default=3.0, help="time to spend on a case beyond its least repetitions"
    )
    parser.add_argument("--no-memory", action="store_true", help="leave out the peaks and the rows that judge them")
    parser.add_argument("--list", action="store_true", help="only say which cases there are")
    parser.add_argument("--weigh", nargs=2, metavar=("SIDE", "CASE"), help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def chosen(cases: Sequence[Case], only: Sequence[str] | None, threads: Sequence[int] | None) -> list[Case]:
    """Returns the cases the command line asks for."""
    return [
        case
        for case in cases
        if (not only or case.name.startswith(tuple(only))) and (not threads or case.threads in threads)
    ]


def measure(case: Case, seconds: float, with_memory: bool) -> list[report.Row]:
    """Measures one case, prints its lines and returns its rows."""
    machine.pin(case.threads)
    ours, peer = timing.in_turn(case.ours(), case.peer_call(), case.at_least, seconds)
    ours_mib = peer_mib = None
    if with_memory:
        ours_mib, peer_mib = memory.peak_mib(case, "ours"), memory.peak_mib(case, "peer")
    rows = report.rows_of(case, ours.median, peer.median, ours_mib, peer_mib)
    for row in rows:
        print(report.table_line(row, ours, peer.times(case.peer_factor)), flush=True)
    return rows


def unmeasured(case: Case) -> report.Row:
    """Returns the row of a case that could not run, so that its line is missed by nobody."""
    return report.rows_of(case, None, None, None, None)[0]


def main(argv: Sequence[str] | None = None) -> int:
    """Returns 0 where every case ran, whether or not it reached its bar."""
    args = arguments(argv)
    cases = all_cases()
    if args.weigh:
        side, key = args.weigh
        (case,) = [case for case in cases if case.key == key]
        machine.pin(case.threads)
        memory.answer_parent(case.ours if side == "ours" else case.peer_call, case.device)
        return 0
    cases = chosen(cases, args.only, args.threads)
    if not cases:
        print("no case is named so; --list says which there are", file=sys.stderr)
        return 2
    if args.list:
        print("\n".join(f"{case.key}: {case.peer}" for case in cases))
        return 0

    print("\n".join(machine.describe()))
    if warning := machine.busy():
        print(f"warning: {warning}")
    print("times are shortest / median; ratio, from the medians, is better when larger\n")
    print(report.table_head())
    rows: list[report.Row] = []
    failed = 0
    for case in cases:
        if case.threads > machine.cores():
            print(f"{case.key}: left out, there are only {machine.cores()} cores", file=sys.stderr)
            continue
        try:
            rows += measure(case, args.seconds, not args.no_memory)
        except Exception:
            traceback.print_exc()
            failed += 1
            rows.append(unmeasured(case))
            print(report.table_line(rows[-1]), flush=True)
    if args.json:
        report.write_json(args.json, rows)
    if args.chart:
        report.write_text(args.chart, chart.svg(rows))
    missed = sum(row.mark == "FAIL" for row in rows)
    print(f"\n{len(rows)} rows, {missed} below their bar" + (f", {failed} could not run" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
