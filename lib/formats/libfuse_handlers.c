/* SPDX-License-Identifier: MIT */
/*
 * What filesystems on libfuse's low-level interface print of themselves while they answer a request:
 * passthrough_ll (lo_) and fuse-overlayfs (ovl_). libfuse prints no names there, so theirs are the
 * only ones:
 *
 *	lo_lookup(parent=1, name=d)
 *	ovl_mkdir(ino=1, name=d, mode=511)
 *
 * Names stand there as they are; how long they are is known from the size of the request, as in
 * libfuse_details.c.
 */
#include "libfuse.h"

#define BIT(opcode) (UINT64_C(1) << (opcode))

/* What stands behind the numbers that a line begins with. */
#define NO_NAME 0
#define NAME 1    /* a child of the node */
#define XATTR 2   /* an attribute */
#define VALUE 3   /* an attribute and its value */
#define RENAMED 4 /* a child, a second node and its child */
#define TARGET 5  /* a symbolic link's target, the node and its child */

static const struct handler {
	const char *word;
	uint8_t opcode; /* 0: belongs to no request, or to one without a name */
	uint8_t kind;
} handlers[] = {
	{"access", 34, NO_NAME},      {"create", 35, NAME},       {"fallocate", 43, NO_NAME},
	{"flush", 25, NO_NAME},       {"forget", 0, NO_NAME},     {"forget_multi", 0, NO_NAME},
	{"fsync", 20, NO_NAME},       {"fsyncdir", 30, NO_NAME},  {"getattr", 3, NO_NAME},
	{"getxattr", 22, XATTR},      {"ioctl", 39, NO_NAME},     {"link", 13, NAME},
	{"listxattr", 23, NO_NAME},   {"lookup", 1, NAME},        {"lseek", 46, NO_NAME},
	{"mkdir", 9, NAME},           {"mknod", 8, NAME},         {"open", 14, NO_NAME},
	{"opendir", 27, NO_NAME},     {"read", 15, NO_NAME},      {"readdir", 28, NO_NAME},
	{"readdirplus", 44, NO_NAME}, {"readlink", 5, NO_NAME},   {"release", 18, NO_NAME},
	{"releasedir", 29, NO_NAME},  {"removexattr", 24, XATTR}, {"rename", 45, RENAMED},
	{"rmdir", 11, NAME},          {"setattr", 4, NO_NAME},    {"setxattr", 21, VALUE},
	{"statfs", 17, NO_NAME},      {"symlink", 6, TARGET},     {"unlink", 10, NAME},
	{"write", 16, NO_NAME},       {"write_buf", 16, NO_NAME},
};

#define RENAME_OPCODES (BIT(12) | BIT(45))

static const struct handler *find_handler(struct ft_bytes word)
{
	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
		if (ft_bytes_equal(word, ft_bytes_of(handlers[i].word)))
			return &handlers[i];
	}
	return NULL;
}

/* ---- numbers ---- */

static void set(struct ft_event *event, uint32_t field, uint64_t *to, uint64_t number)
{
	*to = number;
	event->present |= field;
}

static void set32(struct ft_event *event, uint32_t field, uint32_t *to, uint64_t number)
{
	*to = (uint32_t)number;
	event->present |= field;
}

static bool is(struct ft_bytes key, const char *text)
{
	return ft_bytes_equal(key, ft_bytes_of(text));
}

static void set_number(struct ft_event *event, struct ft_bytes key, uint64_t number)
{
	if (is(key, "parent"))
		set(event, FT_HAS(NODEID), &event->nodeid, number);
	else if (is(key, "ino"))
		set(event, FT_HAS(NODEID), &event->nodeid, number);
	else if (is(key, "size") || is(key, "length"))
		set(event, FT_HAS(SIZE), &event->size, number);
	else if (is(key, "off") || is(key, "offset"))
		set(event, FT_HAS(OFFSET), &event->offset, number);
	else if (is(key, "flags"))
		set32(event, FT_HAS(FLAGS), &event->flags, number);
	else if (is(key, "mode"))
		set32(event, FT_HAS(MODE), &event->mode, number);
	else if (is(key, "to_set"))
		set32(event, FT_HAS(VALID), &event->valid, number);
}

/* link: of the two nodes the first one is the file, the second one the request's directory. */
static void set_new_parent(struct ft_event *event, uint64_t number)
{
	set(event, FT_HAS(NODEID2), &event->nodeid2, event->nodeid);
	set(event, FT_HAS(NODEID), &event->nodeid, number);
}

/* "ino=5, size=4096, off=0" up to what is no number; *ret_key is the key of that, or empty. */
static void take_numbers(struct ft_scan *scan, struct ft_event *event, struct ft_bytes *ret_key)
{
	struct ft_bytes key;
	uint64_t number;

	*ret_key = (struct ft_bytes){NULL, 0};
	while (ft_scan_word(scan, &key) && ft_scan_char(scan, '=')) {
		if (is(key, "name") || is(key, "newname") || is(key, "link")) {
			*ret_key = key;
			return;
		}
		if (!ft_scan_u64(scan, &number))
			return;
		if (is(key, "newparent"))
			set_new_parent(event, number);
		else
			set_number(event, key, number);
		if (!ft_scan_literal(scan, ", ") && !ft_scan_char(scan, ' '))
			return;
	}
}

/* ---- lines ---- */

bool ft_handler_begins(struct ft_bytes text)
{
	struct ft_scan scan = ft_scan_of(text);

	return ft_scan_literal(&scan, "lo_") || ft_scan_literal(&scan, "ovl_");
}

bool ft_handler_parse(struct ft_bytes text, struct ft_detail *ret_detail)
{
	struct ft_scan scan = ft_scan_of(text);
	const struct handler *handler;
	struct ft_bytes word, key;

	*ret_detail = (struct ft_detail){.opcodes = 0};
	if (!ft_scan_literal(&scan, "lo_") && !ft_scan_literal(&scan, "ovl_"))
		return false;
	if (!ft_scan_word(&scan, &word) || !ft_scan_char(&scan, '('))
		return false;
	handler = find_handler(word);
	if (!handler)
		return false;
	take_numbers(&scan, &ret_detail->event, &key);
	if (handler->opcode)
		ret_detail->opcodes =
			handler->kind == RENAMED ? RENAME_OPCODES : BIT(handler->opcode);
	ret_detail->is_of_node = true;
	ret_detail->kind = handler->kind;
	if (handler->kind != NO_NAME && key.data)
		ret_detail->tail = ft_scan_rest(&scan);
	return handler->kind == NO_NAME || key.data;
}

/* ---- names ---- */

/* Whether a name of that length ends in front of ')', ',' or ' '. */
static int ends_at(struct ft_bytes tail, size_t length)
{
	if (tail.length <= length)
		return FT_DETAIL_TOO_SHORT;
	return strchr("), ", tail.data[length]) ? FT_DETAIL_FITS : FT_DETAIL_OTHER;
}

/* The last occurrence of text, or the end without its ')'. */
static size_t length_up_to(struct ft_bytes tail, const char *text)
{
	size_t length = strlen(text);

	for (size_t at = tail.length; at >= length; at--) {
		if (memcmp(tail.data + at - length, text, length) == 0)
			return at - length;
	}
	return tail.length - (tail.length && tail.data[tail.length - 1] == ')');
}

static void take_behind(struct ft_event *event, struct ft_bytes tail, size_t length)
{
	struct ft_scan scan = ft_scan_of(tail);
	struct ft_bytes ignored;

	scan.at += length;
	ft_scan_char(&scan, ',');
	ft_scan_char(&scan, ' ');
	take_numbers(&scan, event, &ignored);
}

static int settle_name(struct ft_detail *detail, size_t names_size, const char *behind)
{
	struct ft_bytes tail = detail->tail;
	size_t length = names_size ? names_size - 1 : length_up_to(tail, behind);
	int fit = names_size ? ends_at(tail, length) : FT_DETAIL_FITS;

	if (fit != FT_DETAIL_FITS)
		return fit;
	if (detail->kind == XATTR)
		detail->event.xattr = (struct ft_bytes){tail.data, length};
	else
		detail->event.name = (struct ft_bytes){tail.data, length};
	take_behind(&detail->event, tail, length);
	return FT_DETAIL_FITS;
}

/* NAME value=V size=1): the value is whatever the caller set, the line ends with its true size. */
static int settle_value(struct ft_detail *detail, size_t names_size)
{
	struct ft_bytes tail = detail->tail;
	const char *value = memmem(tail.data, tail.length, "value=", 6);
	size_t length, size_at = length_up_to(tail, "size=");

	if (!value || size_at + 5 > tail.length || tail.data[tail.length - 1] != ')')
		return names_size ? FT_DETAIL_TOO_SHORT : FT_DETAIL_OTHER;
	length = (size_t)(value - tail.data);
	while (length && strchr(", ", tail.data[length - 1]))
		length--;
	take_behind(&detail->event, tail, size_at);
	if (names_size && length + 1 + detail->event.size != names_size)
		return FT_DETAIL_TOO_SHORT;
	detail->event.xattr = (struct ft_bytes){tail.data, length};
	return FT_DETAIL_FITS;
}

/*
 * "OLD , ino=5, name=NEW)" or "TARGET, ino=5, name=SYM)": the comma between the two is the one with
 * which the sizes come out.
 */
struct pair {
	struct ft_bytes first;
	uint64_t node;
	struct ft_bytes second;
};

static int settle_pair(struct ft_detail *detail, const char *sign, size_t names_size,
		       struct pair *ret_pair)
{
	const char *end = detail->tail.data + detail->tail.length;
	const char *at = detail->tail.data;
	size_t both = 0;
	bool is_found = false;

	for (; (at = memmem(at, (size_t)(end - at), sign, strlen(sign))); at++) {
		struct ft_scan scan = {at + strlen(sign), end};
		struct pair pair = {.first = {detail->tail.data, (size_t)(at - detail->tail.data)}};

		if (!ft_scan_u64(&scan, &pair.node) || !ft_scan_literal(&scan, ", name="))
			continue;
		pair.second = ft_scan_rest(&scan);
		pair.second.length -= pair.second.length && end[-1] == ')';
		both = pair.first.length + 1 + pair.second.length + 1;
		if (names_size && both != names_size)
			continue;
		if (is_found) { /* by their sizes, it may be either */
			detail->event.marks |= FUSETRACE_OP_SUSPECT;
			break;
		}
		*ret_pair = pair;
		is_found = true;
	}
	if (is_found)
		return FT_DETAIL_FITS;
	return both < names_size ? FT_DETAIL_TOO_SHORT : FT_DETAIL_OTHER;
}

static int settle_renamed(struct ft_detail *detail, size_t names_size)
{
	struct pair pair;
	int fit = settle_pair(detail, " , ino=", names_size, &pair);

	if (fit != FT_DETAIL_FITS)
		return fit;
	detail->event.name = pair.first;
	detail->event.name2 = pair.second;
	set(&detail->event, FT_HAS(NODEID2), &detail->event.nodeid2, pair.node);
	return FT_DETAIL_FITS;
}

static int settle_target(struct ft_detail *detail, size_t names_size)
{
	struct pair pair;
	int fit = settle_pair(detail, ", ino=", names_size, &pair);

	if (fit != FT_DETAIL_FITS)
		return fit;
	detail->event.target = pair.first;
	detail->event.name = pair.second;
	set(&detail->event, FT_HAS(NODEID), &detail->event.nodeid, pair.node);
	return FT_DETAIL_FITS;
}

int ft_handler_settle(struct ft_detail *detail, size_t names_size)
{
	switch (detail->kind) {
	case NAME:
		return settle_name(detail, names_size, ", mode=");
	case XATTR:
		return settle_name(detail, names_size, "size=");
	case VALUE:
		return settle_value(detail, names_size);
	case RENAMED:
		return settle_renamed(detail, names_size);
	case TARGET:
		return settle_target(detail, names_size);
	default:
		return FT_DETAIL_FITS;
	}
}

/* ---- nodes ---- */

bool ft_handler_parse_entry(struct ft_bytes text, struct ft_entry_line *ret_line)
{
	struct ft_scan scan = ft_scan_of(text);

	if (!ft_scan_literal(&scan, "  ") || !ft_scan_u64(&scan, &ret_line->directory) ||
	    !ft_scan_char(&scan, '/'))
		return false;
	ret_line->tail = ft_scan_rest(&scan);
	return true;
}

int ft_handler_settle_entry(struct ft_entry_line *line, size_t name_length)
{
	static const char sign[] = " -> ";
	size_t length = name_length ? name_length : length_up_to(line->tail, sign);
	struct ft_scan scan = ft_scan_of(line->tail);

	if (line->tail.length < length + sizeof(sign))
		return FT_DETAIL_TOO_SHORT;
	scan.at += length;
	if (!ft_scan_literal(&scan, " -> ") || !ft_scan_u64(&scan, &line->node) ||
	    !ft_scan_is_end(&scan))
		return FT_DETAIL_OTHER;
	line->name = (struct ft_bytes){line->tail.data, length};
	return FT_DETAIL_FITS;
}
