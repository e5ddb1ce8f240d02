#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What one writes in Python to read libfuse's debug text: a pattern a line, a dictionary of requests.

It makes operations with opcode, nodeid, pid, errno and sizes; no paths, and nothing is done about
lines that are torn or forged. The measure beside which bench/logs.py puts the library.
Usage: log_regex.py FILE; prints the number of operations.
"""

import re
import sys

REQUEST = re.compile(r"(?:dev |cqe )?unique: (\d+), opcode: (\S+) \((\d+)\), nodeid: (\d+), "
                     r"insize: (\d+)(?:, pid: (\d+))?")
REPLY = re.compile(r"   unique: (\d+), (?:success|error: (-?\d+) \([^)]*\)), outsize: (\d+)")


def operations(lines):
    """Yields an operation for each reply."""
    in_flight = {}
    for line in lines:
        if request := REQUEST.match(line):
            unique, name, opcode, nodeid, insize, pid = request.groups()
            in_flight[int(unique)] = {
                "operation": name, "opcode": int(opcode), "nodeid": int(nodeid),
                "insize": int(insize), "pid": int(pid) if pid else None}
        elif reply := REPLY.match(line):
            unique, error, outsize = reply.groups()
            operation = in_flight.pop(int(unique), None)
            if operation:
                operation["errno"] = -int(error or 0)
                operation["outsize"] = int(outsize)
                yield operation


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8", errors="surrogateescape") as file:
        print(len(list(operations(file))))
