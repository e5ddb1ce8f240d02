/* SPDX-License-Identifier: MIT */
/* See go_mode.h. */
#include "go_mode.h"

#include <sys/stat.h>

#define PERMISSIONS 9 /* "rwxr-xr-x" */

static uint32_t mode_bit_of(char c)
{
	switch (c) {
	case 'd':
		return S_IFDIR;
	case 'L':
		return S_IFLNK;
	case 'p':
		return S_IFIFO;
	case 'S':
		return S_IFSOCK;
	case 'D':
		return S_IFBLK;
	case 'u':
		return S_ISUID;
	case 'g':
		return S_ISGID;
	case 't':
		return S_ISVTX;
	default:
		return 0;
	}
}

static bool is_mode_char(char c)
{
	return c == '-' || (unsigned char)((c | 0x20) - 'a') < 26;
}

bool ft_scan_go_mode(struct ft_scan *scan, uint32_t *ret_mode)
{
	const char *begin = scan->at;
	const char *permissions;
	uint32_t mode = 0;

	while (!ft_scan_is_end(scan) && is_mode_char(*scan->at))
		scan->at++;
	if (scan->at - begin <= PERMISSIONS)
		return false;
	permissions = scan->at - PERMISSIONS;
	for (; begin < permissions; begin++) {
		if (*begin == 'c')
			mode ^= S_IFBLK ^ S_IFCHR;
		else
			mode |= mode_bit_of(*begin);
	}
	for (int i = 0; i < PERMISSIONS; i++) {
		if (permissions[i] == "rwxrwxrwx"[i])
			mode |= 0400u >> i;
		else if (permissions[i] != '-')
			return false;
	}
	*ret_mode = mode & S_IFMT ? mode : mode | S_IFREG;
	return true;
}
