#!/bin/sh
# SPDX-License-Identifier: MIT
# A test of a filesystem in shell: the file is on the branch when its RELEASE has been answered,
# not half a second later. Usage: wait.sh MOUNTPOINT BRANCH
set -eu
mount=$1
branch=$2

fusetrace expect --mount "$mount" release /note.txt --timeout 5s -- \
	sh -c 'echo hello > "$1"/note.txt' sh "$mount"
grep -q hello "$branch/note.txt"

# Reading must not write.
fusetrace forbid --mount "$mount" write,create '*' -- cat "$mount/note.txt"
