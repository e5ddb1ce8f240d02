#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures fusetrace beside what one would take instead, in one run, and prints a table.

Every cost is a ratio of two runs made one after the other, several times over; the median is
quoted. Usage: bench/run.py [--rounds N] [--repeat N] [--json FILE] [--markdown FILE]; the binaries
are taken from PATH and from FUSETRACE_BUILD. Run it by script/bench.
"""

import argparse
import contextlib
import json
import os
import pathlib
import platform
import select
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile

BUILD = pathlib.Path(os.environ.get("FUSETRACE_BUILD", "build"))
BPF_STATS = pathlib.Path("/proc/sys/kernel/bpf_stats_enabled")


# ---- mounts and tracers ------------------------------------------------------------------------


@contextlib.contextmanager
def mounted(*options, debug=False):
    """A branchfs over one branch in memory; yields the mountpoint."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        branch, mount = pathlib.Path(folder, "branch"), pathlib.Path(folder, "mount")
        branch.mkdir()
        mount.mkdir()
        command = ["branchfs", "-d" if debug else "-f"]
        for option in options:
            command += ["-o", option]
        log = open(pathlib.Path(folder, "log"), "wb")
        daemon = subprocess.Popen([*command, str(branch), str(mount)], stdout=log, stderr=log)
        try:
            wait_for_mount(mount, daemon)
            yield mount
        finally:
            subprocess.run(["umount", str(mount)], check=False)
            daemon.wait(timeout=10)
            log.close()


def wait_for_mount(mount, daemon):
    """Until /proc/self/mountinfo has the mountpoint; the kernel wakes us when it changes."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as info:
        poll = select.poll()
        poll.register(info, select.POLLPRI)
        for _ in range(100):
            info.seek(0)
            if f" {mount} " in info.read():
                return
            if daemon.poll() is not None:
                break
            poll.poll(100)
    raise RuntimeError(f"branchfs did not mount {mount}")


class Tracer:
    """One way to watch the workload: started before it, ended after it."""

    name = ""
    tool = None  # the binary that must be there

    def missing(self):
        return self.tool and not shutil.which(self.tool) and f"{self.tool} is not installed"

    def prefix(self):
        """What is put in front of the workload's command."""
        return []

    @contextlib.contextmanager
    def running(self, mount):
        yield


class Background(Tracer):
    """A tracer that is a process of its own; ready when it has printed something or said so."""

    def command(self, mount, ready):
        """The process; ready is a descriptor that it may write to."""
        raise NotImplementedError

    def wait_ready(self, process, read_end):
        """Returns when requests are seen."""
        raise NotImplementedError

    @contextlib.contextmanager
    def running(self, mount):
        read_end, write_end = os.pipe()
        command = self.command(mount, write_end)
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, pass_fds=[write_end]
        )
        os.close(write_end)
        try:
            self.wait_ready(process, read_end)
            yield
        finally:
            os.close(read_end)
            process.send_signal(signal.SIGINT)
            process.stderr.close()
            process.wait(timeout=30)


class Fusetrace(Background):
    name = "fusetrace attach, live, JSON to /dev/null"
    tool = "fusetrace"
    options = ["--format", "json"]

    def command(self, mount, ready):
        return ["fusetrace", "attach", *self.options, "--ready-fd", str(ready), str(mount)]

    def wait_ready(self, process, read_end):
        os.read(read_end, 16)


class FusetraceQuiet(Fusetrace):
    name = "fusetrace attach --quiet --summary"
    options = ["--quiet", "--summary"]


class Bpftrace(Tracer):
    name = "bpftrace, the same two tracepoints"
    tool = "bpftrace"
    script = """
        BEGIN { printf("ready\\n"); }
        tracepoint:fuse:fuse_request_send {
            @begin[args->unique] = nsecs; printf("%d %lu\\n", args->opcode, args->unique); }
        tracepoint:fuse:fuse_request_end {
            printf("%lu %d %lu\\n", args->unique, args->error, nsecs - @begin[args->unique]);
            delete(@begin[args->unique]); }
    """

    @contextlib.contextmanager
    def running(self, mount):
        process = subprocess.Popen(
            ["bpftrace", "-B", "line", "-e", self.script],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        reader = None
        try:
            while b"ready" not in (line := process.stdout.readline()):
                if not line:
                    raise RuntimeError(f"bpftrace ended: {process.stderr.read().decode()}")
            reader = subprocess.Popen(
                ["cat"], stdin=process.stdout, stdout=subprocess.DEVNULL
            )
            yield
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)
            if reader:
                reader.wait(timeout=30)
            process.stdout.close()
            process.stderr.close()


class PerfTrace(Tracer):
    name = "perf trace -a -e 'fuse:*'"
    tool = "perf"

    def prefix(self):
        return ["perf", "trace", "-a", "-e", "fuse:*", "-o", "/dev/null", "--"]


class StraceClient(Tracer):
    name = "strace -f on the workload"
    tool = "strace"

    def prefix(self):
        return ["strace", "-f", "-o", "/dev/null"]


def run_workload(mount, rounds, prefix=()):
    """Nanoseconds a round."""
    output = subprocess.run(
        [*prefix, str(BUILD / "bench" / "bench_workload"), str(mount), str(rounds)],
        check=True, capture_output=True, text=True, timeout=600,
    ).stdout
    return float(output.split()[-1])


# ---- measurements ------------------------------------------------------------------------------


def measure_cost(rounds, repeat):
    """Throughput of the workload under each tracer, as a ratio of the untraced one."""
    results = {}
    with mounted() as mount:
        run_workload(mount, rounds)
        for tracer in [FusetraceQuiet(), Fusetrace(), Bpftrace(), PerfTrace(), StraceClient()]:
            if tracer.missing():
                results[tracer.name] = {"skipped": tracer.missing()}
                continue
            ratios = []
            for _ in range(repeat):
                plain = run_workload(mount, rounds)
                with tracer.running(mount):
                    traced = run_workload(mount, rounds, tracer.prefix())
                ratios.append(plain / traced)
            results[tracer.name] = spread(ratios)
    results["libfuse -d, log to a file"] = measure_libfuse_debug(rounds, repeat)
    return results


def measure_libfuse_debug(rounds, repeat):
    ratios = []
    for _ in range(repeat):
        with mounted() as mount:
            plain = run_workload(mount, rounds)
        with mounted(debug=True) as mount:
            ratios.append(plain / run_workload(mount, rounds))
    return spread(ratios)


def measure_bpf(rounds):
    """Mean run time of the two BPF programs, from the kernel's own statistics."""
    before = BPF_STATS.read_text(encoding="ascii")
    BPF_STATS.write_text("1\n", encoding="ascii")
    try:
        with mounted() as mount, FusetraceQuiet().running(mount):
            run_workload(mount, rounds)
            programs = json.loads(subprocess.run(
                [shutil.which("bpftool") or "/usr/sbin/bpftool", "-j", "prog", "show"],
                check=True, capture_output=True, text=True).stdout)
    finally:
        BPF_STATS.write_text(before, encoding="ascii")
    means = {}
    for program in programs:
        if program.get("name") in ("on_request", "on_reply") and program.get("run_cnt"):
            means[program["name"]] = program["run_time_ns"] / program["run_cnt"]
    return {"request_ns": means["on_request"], "reply_ns": means["on_reply"],
            "operation_ns": means["on_request"] + means["on_reply"]}


def measure_latency(rounds, with_load):
    with mounted("delay=release:1ms:/bench") as mount:
        load = None
        if with_load:
            load = subprocess.Popen(
                [str(BUILD / "bench" / "bench_workload"), str(mount), "100000000"],
                stdout=subprocess.DEVNULL)
        try:
            output = subprocess.run(
                [str(BUILD / "bench" / "bench_latency"), str(mount), str(rounds)],
                check=True, capture_output=True, text=True, timeout=600).stdout
        finally:
            if load:
                load.kill()
                load.wait()
    return json.loads(output)


def measure_memory(operations):
    output = subprocess.run([str(BUILD / "bench" / "bench_tracker"), str(operations)],
                            check=True, capture_output=True, text=True, timeout=600).stdout
    return json.loads(output)


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


# ---- output ------------------------------------------------------------------------------------


def machine():
    model = "unknown processor"
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        for line in info:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return f"{model}, {os.cpu_count()} processors, Linux {platform.release()}"


def rows_of(result):
    """(what, measured, target, verdict) for the table."""
    rows = []
    for name, ratio in result["cost"].items():
        target = ">= 0.97" if name == FusetraceQuiet.name else ""
        if "skipped" in ratio:
            rows.append((f"throughput under {name}", ratio["skipped"], target, None))
            continue
        text = f"{ratio['median']:.2f} of untraced ({ratio['min']:.2f}-{ratio['max']:.2f})"
        rows.append((f"throughput under {name}", text, target,
                     ratio["median"] >= 0.97 if target else None))
    idle, load, memory, bpf = result["idle"], result["load"], result["memory"], result["bpf"]
    growth = idle["lookup_with_pending_ns"] - idle["lookup_ns"]
    rows += [
        ("BPF time per operation", f"{bpf['operation_ns']:.0f} ns", "<= 700 ns",
         bpf["operation_ns"] <= 700),
        ("reply to return of the wait, idle, p50 / p99",
         f"{idle['wait_p50_ns'] / 1e3:.0f} / {idle['wait_p99_ns'] / 1e3:.0f} us",
         "p50 <= 25 us", idle["wait_p50_ns"] <= 25000),
        ("reply to return of the wait, under load, p50 / p99",
         f"{load['wait_p50_ns'] / 1e3:.0f} / {load['wait_p99_ns'] / 1e3:.0f} us",
         "p50 <= 25 us, p99 <= 200 us",
         load["wait_p50_ns"] <= 25000 and load["wait_p99_ns"] <= 200000),
        ("wait for something already done, p50", f"{idle['done_p50_ns'] / 1e3:.1f} us", "<= 5 us",
         idle["done_p50_ns"] <= 5000),
        ("cost of 1,000 pending waits per operation", f"{growth / 1e3:+.2f} us", "< 1 us",
         growth < 1000),
        ("memory per kept operation, names and nodes included",
         f"{memory['bytes_per_operation']:.0f} bytes", "160 bytes plus names", None),
        (f"memory after {memory['operations'] / 1e6:.0f} million operations against after one",
         f"{memory['resident_at_end'] / memory['resident_after_first']:.2f}", "flat (<= 1.05)",
         memory["resident_at_end"] <= 1.05 * memory["resident_after_first"]),
        ("time per operation in user space, first and last million",
         f"{memory['first_ns']:.0f} / {memory['last_ns']:.0f} ns", "no slower",
         memory["last_ns"] <= 1.1 * memory["first_ns"]),
    ]
    return rows


def table(result):
    lines = [f"Measured on {result['machine']}, fusetrace {result['version']}.", "",
             "| what | measured | target | |", "|---|---|---|---|"]
    words = {True: "met", False: "**missed**", None: ""}
    for what, measured, target, verdict in rows_of(result):
        lines.append(f"| {what} | {measured} | {target} | {words[verdict]} |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5000, help="rounds of the workload")
    parser.add_argument("--repeat", type=int, default=7, help="pairs of runs for each ratio")
    parser.add_argument("--json", help="write all figures there")
    parser.add_argument("--markdown", help="write the table there")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("bench: the kernel source needs root")
    version = subprocess.run(["fusetrace", "--version"], check=True, capture_output=True,
                             text=True).stdout.split()[-1]
    result = {
        "machine": machine(),
        "version": version,
        "bpf": measure_bpf(options.rounds),
        "idle": measure_latency(1000, False),
        "load": measure_latency(1000, True),
        "memory": measure_memory(10_000_000),
        "cost": measure_cost(options.rounds, options.repeat),
    }
    text = table(result)
    print(text, end="")
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    if options.markdown:
        pathlib.Path(options.markdown).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
