/* SPDX-License-Identifier: MIT */
/*
 * What go-fuse prints behind the "OK, " of a reply. It repeats no opcode, but each kind of reply
 * looks different:
 *
 *	{n2 g1 tE=1s tA=1s {M040755 SZ=4096 ...}}	a node, of LOOKUP or MKDIR
 *	 102405b data "hello\x00\x00\x00"...		bytes, of READ or GETXATTR
 */
#include "go_fuse.h"

static void set_reply_size(struct ft_event *event, uint64_t size)
{
	event->reply_size = size;
	event->probe_size = size;
	event->present |= FT_HAS(REPLY_SIZE);
}

/* n2 g1 tE=1s tA=1s {M040755 ...}, and for CREATE &{1 0 0} or {Fh 1 } behind that */
static bool take_entry(struct ft_scan *scan, struct ft_event *event)
{
	struct ft_bytes ignored;
	uint64_t number;

	if (!ft_scan_char(scan, 'n') && !ft_scan_char(scan, 'i'))
		return false;
	if (!ft_scan_u64(scan, &event->entry) || !ft_scan_literal(scan, " g"))
		return false;
	event->present |= FT_HAS(ENTRY);
	if (ft_scan_past(scan, "} ", 2, &ignored) &&
	    (ft_scan_literal(scan, "&{") || ft_scan_literal(scan, "{Fh ")) &&
	    ft_scan_u64(scan, &number)) {
		event->fh = number;
		event->present |= FT_HAS(FH);
	}
	return true;
}

/* Fh 1 backing=2 PASSTHROUGH */
static bool take_open(struct ft_scan *scan, struct ft_event *event)
{
	if (!ft_scan_literal(scan, "Fh ") || !ft_scan_u64(scan, &event->fh))
		return false;
	event->present |= FT_HAS(FH);
	return true;
}

/* 102405b data "hello\x00\x00\x00"...; of a file's own pages only the size that was asked for */
static void take_data(struct ft_scan *scan, struct ft_event *event)
{
	uint64_t size;

	if (ft_scan_u64(scan, &size) && ft_scan_literal(scan, "b data") &&
	    !ft_scan_literal(scan, " (fd"))
		set_reply_size(event, size);
}

/* {Result 0 Flags  Iovs 0/0 4b data "..." */
static void take_ioctl_reply(struct ft_scan *scan, struct ft_event *event)
{
	struct ft_bytes ignored;
	uint64_t number;

	if (ft_scan_past(scan, "/", 1, &ignored) && ft_scan_u64(scan, &number) &&
	    ft_scan_char(scan, ' '))
		take_data(scan, event);
}

void ft_go_fuse_reply(struct ft_scan *scan, char *scratch, struct ft_event *event)
{
	struct ft_bytes target;
	uint64_t number;

	if (ft_scan_char(scan, ' ')) {
		if (ft_scan_quoted(scan, scratch, &target))
			set_reply_size(event, target.length);
		else
			take_data(scan, event);
		return;
	}
	if (!ft_scan_char(scan, '{') || take_entry(scan, event) || take_open(scan, event))
		return;
	if (ft_scan_literal(scan, "Result "))
		take_ioctl_reply(scan, event);
	else if (ft_scan_literal(scan, "sz ") && ft_scan_u64(scan, &number))
		set_reply_size(event, number);
	else if (ft_scan_u64(scan, &number) && ft_scan_char(scan, 'b'))
		set_reply_size(event, number);
}
