# SPDX-License-Identifier: MIT
"""Mount namespaces for what a machine does not have, or has otherwise: words to put before a command.
It keeps its process id."""

# A copy of another test's mount would keep its filesystem alive when that test unmounts it.
_ALONE = r"""
for point in $(sed -nE 's/^[^ ]+ [^ ]+ [^ ]+ [^ ]+ ([^ ]+) .* - fuse(blk|\.[^ ]+)? .*/\1/p' \
               /proc/self/mountinfo); do
	umount -lc "$point" 2>/dev/null || :
done
"""


def _namespace(change, *words):
    return ["unshare", "--mount", "--propagation", "private", "sh", "-ec",
            _ALONE + change + '\nexec "$@"', *words]


# What a container mostly has: no /sys/fs/fuse/connections.
WITHOUT_FUSECTL = _namespace("umount -l /sys/fs/fuse/connections", "sh")


def with_fuse_for_everybody(folder):
    """/dev/fuse may be root's alone; the namespace gets one that is not, which lies in folder."""
    return _namespace('mknod -m 666 "$0/fuse" c 10 229\nmount --bind "$0/fuse" /dev/fuse', str(folder))
