/* SPDX-License-Identifier: MIT */
/* Modes as Go's os.FileMode prints them, which two libraries do. */
#ifndef FT_FORMATS_GO_MODE_H
#define FT_FORMATS_GO_MODE_H

#include "base/scan.h"

/*
 * "-rw-r--r--", "drwxr-xr-x", "dtrwxrwxrwx", "Dcrw-------" (a character device): an st_mode with its
 * type.
 */
bool ft_scan_go_mode(struct ft_scan *scan, uint32_t *ret_mode);

#endif
