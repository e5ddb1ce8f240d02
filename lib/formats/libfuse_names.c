/* SPDX-License-Identifier: MIT */
/*
 * The names in a detail line of libfuse. They stand there as they are, with blanks and newlines, two
 * of them behind one another. The size of the request tells how long they are.
 */
#include "libfuse.h"

/* "(null)" stands for a file without a name. */
void ft_detail_set_path(struct ft_event *event, struct ft_bytes path)
{
	if (!ft_bytes_equal(path, FT_BYTES_LITERAL("(null)")))
		event->path = path;
}

size_t ft_detail_names_size(uint32_t opcode, uint64_t insize, size_t xattr_size)
{
	size_t fixed;

	switch (opcode) {
	case FUSE_LOOKUP:
	case FUSE_UNLINK:
	case FUSE_RMDIR:
	case FUSE_SYMLINK:
	case FUSE_REMOVEXATTR:
		fixed = 40;
		break;
	case FUSE_MKDIR:
	case FUSE_RENAME:
	case FUSE_LINK:
	case FUSE_GETXATTR:
		fixed = 48;
		break;
	case FUSE_MKNOD:
	case FUSE_CREATE:
	case FUSE_RENAME2:
		fixed = 56;
		break;
	case FUSE_SETXATTR:
		fixed = 48 + xattr_size;
		break;
	default:
		return 0;
	}
	return insize > fixed ? (size_t)(insize - fixed) : 0;
}

/* One path whose last component is length bytes long. */
static int settle_one(struct ft_detail *detail, size_t length)
{
	struct ft_event *event = &detail->event;

	event->name = ft_bytes_last_component(event->path);
	if (event->name.length == length || !length)
		return FT_DETAIL_FITS;
	return event->name.length < length ? FT_DETAIL_TOO_SHORT : FT_DETAIL_OTHER;
}

/* What of the request the two names take that "first second" would be. */
static size_t size_of_two(uint32_t opcode, struct ft_bytes first, struct ft_bytes second)
{
	switch (opcode) {
	case FUSE_SYMLINK: /* the target as it is, then the path */
		return first.length + 1 + ft_bytes_last_component(second).length + 1;
	case FUSE_LINK:
		return ft_bytes_last_component(second).length + 1;
	default:
		return ft_bytes_last_component(first).length + 1 +
		       ft_bytes_last_component(second).length + 1;
	}
}

static void set_two(struct ft_event *event, uint32_t opcode, struct ft_bytes first,
		    struct ft_bytes second)
{
	if (opcode == FUSE_SYMLINK) {
		event->target = first;
		event->path = second;
		event->name = ft_bytes_last_component(second);
		return;
	}
	event->path = first;
	event->path2 = second;
	event->name = ft_bytes_last_component(opcode == FUSE_LINK ? second : first);
	if (opcode != FUSE_LINK)
		event->name2 = ft_bytes_last_component(second);
}

/* RENAME2's flags stand behind the paths since libfuse 3. */
static struct ft_bytes cut_rename_flags(struct ft_event *event, struct ft_bytes joined)
{
	struct ft_scan scan = ft_scan_of(joined), word;
	uint64_t flags;

	if (!ft_scan_cut_word(&scan, &word) || !ft_scan_literal(&word, "0x") ||
	    !ft_scan_hex(&word, &flags) || !ft_scan_is_end(&word))
		return joined;
	event->flags = (uint32_t)flags;
	event->present |= FT_HAS(FLAGS);
	return ft_scan_rest(&scan);
}

/* "first second": the blank between them is the one with which the sizes come out. */
static int settle_two(struct ft_detail *detail, uint32_t opcode, size_t names_size)
{
	struct ft_bytes joined = detail->joined;
	const char *sign = detail->has_arrow ? " -> /" : " /";
	bool is_short = true; /* with the next line, it may fit */
	bool is_found = false;
	const char *end, *at;

	if (opcode == FUSE_RENAME || opcode == FUSE_RENAME2)
		joined = cut_rename_flags(&detail->event, joined);
	end = joined.data + joined.length;
	for (at = joined.data; (at = memmem(at, (size_t)(end - at), sign, strlen(sign))); at++) {
		struct ft_bytes first = {joined.data, (size_t)(at - joined.data)};
		const char *slash = at + strlen(sign) - 1;
		struct ft_bytes second = {slash, (size_t)(end - slash)};

		is_short = size_of_two(opcode, first, second) < names_size;
		if (names_size && size_of_two(opcode, first, second) != names_size)
			continue;
		if (is_found) { /* by their sizes, it may be either */
			detail->event.marks |= FUSETRACE_OP_SUSPECT;
			break;
		}
		set_two(&detail->event, opcode, first, second);
		is_found = true;
	}
	if (is_found)
		return FT_DETAIL_FITS;
	return is_short && names_size ? FT_DETAIL_TOO_SHORT : FT_DETAIL_OTHER;
}

/* PATH NAME, where the name takes names_size bytes with its NUL. */
static int settle_xattr(struct ft_detail *detail, size_t names_size)
{
	struct ft_bytes joined = detail->joined;
	const char *blank;

	if (names_size > 1 && joined.length > names_size &&
	    joined.data[joined.length - names_size] == ' ')
		blank = joined.data + joined.length - names_size;
	else
		blank = memrchr(joined.data, ' ', joined.length);
	if (!blank)
		return FT_DETAIL_OTHER;
	detail->event.xattr =
		(struct ft_bytes){blank + 1, (size_t)(joined.data + joined.length - blank) - 1};
	ft_detail_set_path(&detail->event,
			   (struct ft_bytes){joined.data, (size_t)(blank - joined.data)});
	return FT_DETAIL_FITS;
}

int ft_detail_settle(struct ft_detail *detail, uint32_t opcode, size_t names_size)
{
	if (!(detail->opcodes & UINT64_C(1) << (opcode & 63)) || opcode > 63)
		return FT_DETAIL_OTHER;
	if (detail->is_of_node)
		return ft_handler_settle(detail, names_size);
	if (detail->names_child && detail->joined.data)
		return settle_two(detail, opcode, names_size);
	if (detail->joined.data)
		return settle_xattr(detail, names_size);
	if (detail->names_child && names_size)
		return settle_one(detail, names_size - 1);
	return FT_DETAIL_FITS;
}
