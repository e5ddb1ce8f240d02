# SPDX-License-Identifier: MIT
"""Owners that mount, use and unmount without a pause, killed at random moments: 20 here, 1,000 in
script/soak (FUSETRACE_KILLS); with FUSETRACE_TEST_SEED the moments are had again."""

import os
import random
import signal
import time

from .owners import marked, mounted_in, records, until

KILLS = int(os.environ.get("FUSETRACE_KILLS", "20"))
SEED = int(os.environ.get("FUSETRACE_TEST_SEED") or random.randrange(1 << 32))

BUSY = """
import threading
def work(number):
    for turn in range(10000):
        tree = folder / f"t{number}-{turn}"
        entry = guardian.make_directory(tree)
        (tree / "x").mkdir(); (tree / "x" / "file").write_text("x")
        daemon, mounted, found = mount(f"m{number}-{turn}", *(["-f"] if turn % 2 else []))
        for index in range(5):
            Path(found.mountpoint, f"f{index}").write_bytes(bytes(4096))
        syscalls.umount(found.mountpoint, syscalls.MNT_DETACH)
        daemon.wait(20)
        guardian.forget(mounted)
        import shutil; shutil.rmtree(tree); guardian.forget(entry)
for number in range(2):
    threading.Thread(target=work, args=(number,)).start()
ready(); time.sleep(60)
"""


def test_owners_killed_at_random(own, folder):
    print(f"seed {SEED}")
    generator = random.Random(SEED)
    slowest = 0.0
    for turn in range(KILLS):
        place = folder / str(turn)
        place.mkdir()
        owner = own(BUSY, folder=place, start_new_session=True)
        time.sleep(generator.random() * 0.3)  # the moment is what is tried here
        if generator.random() < 0.3:
            os.killpg(owner.pid, signal.SIGKILL)
        owner.kill()
        begin = time.monotonic()

        def what_is_left():
            return (mounted_in(place), marked(owner.pid), records(place, owner.pid),
                    list(place.glob("t*")))

        try:
            until(lambda: what_is_left() == ([], [], [], []), "")
        except AssertionError:
            raise AssertionError(f"seed {SEED}, turn {turn}: {what_is_left()}") from None
        slowest = max(slowest, time.monotonic() - begin)
        owner.close()
    print(f"{KILLS} owners killed, 0 mounts, processes and directories left; the slowest was clean "
          f"after {slowest:.2f} s")
