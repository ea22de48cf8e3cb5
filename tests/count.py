#!/usr/bin/env python3
"""Counts single tests in a JUnit file of ctest: count.py results.xml

A ctest test is one program. Where its output counts for itself (TAP of Criterion, or a last line
"N passed, N failed" of a script), that count is taken; else it counts as one. A program that failed
counts at least one failure, whatever it printed. Ends in "N passed, N failed".
"""
import re
import sys
import xml.etree.ElementTree as ET


def count(case):
    output = case.findtext("system-out") or ""
    good = case.get("status") == "run" and case.find("failure") is None
    passed = len(re.findall(r"^ok\b", output, re.M))
    failed = len(re.findall(r"^not ok\b", output, re.M))
    if passed + failed == 0:
        sums = re.findall(r"^(\d+) passed, (\d+) failed$", output, re.M)
        if sums:
            passed, failed = map(int, sums[-1])
        elif good:
            passed = 1
    if not good and failed == 0:
        failed = 1
    return passed, failed


def main():
    passed = failed = 0
    try:
        cases = list(ET.parse(sys.argv[1]).getroot().iter("testcase"))
    except (OSError, ET.ParseError) as error:
        print(f"no test results: {error}")
        cases = []
    if not cases:
        failed = 1  # nothing ran: never a pass
    for case in cases:
        p, f = count(case)
        passed += p
        failed += f
        if f:
            print(f"FAILED {case.get('name')}: {f} of {p + f}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
