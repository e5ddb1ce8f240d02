/* SPDX-License-Identifier: MIT */
/* What the files of go-fuse's format share. */
#ifndef FT_FORMATS_GO_FUSE_H
#define FT_FORMATS_GO_FUSE_H

#include "base/scan.h"
#include "op/event.h"

/*
 * Takes what stands behind the nodeid of a request, up to the names, and adds what it tells of
 * event->opcode to event. What it does not know it passes over.
 */
void ft_go_fuse_args(struct ft_scan *scan, struct ft_event *event);

/* The same for what stands behind "OK, " in a reply. scratch as in struct ft_line. */
void ft_go_fuse_reply(struct ft_scan *scan, char *scratch, struct ft_event *event);

#endif
