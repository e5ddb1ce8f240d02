/* SPDX-License-Identifier: MIT */
/*
 * The fields of a request as Rust's fuser and fuse print them, `name "a.txt", mode 0o100644`: each is
 * called differently from one version to the next.
 */
#include "fuser.h"

#include <linux/fuse.h>

/* ---- values ---- */

static bool take_quoted(struct ft_fuser_request *request, struct ft_bytes *ret_name)
{
	const char *before = request->scan.at;

	if (!ft_scan_quoted(&request->scan, request->scratch, ret_name))
		return false;
	request->scratch += request->scan.at - before;
	return true;
}

/* 0x8241, 0o100644 or 4096; inside of a word and parentheses or not: FileHandle(3), Some(50). */
static bool take_number(struct ft_fuser_request *request, uint64_t *ret_number)
{
	struct ft_scan *scan = &request->scan;
	struct ft_scan at = *scan;
	struct ft_bytes word;
	uint32_t octal;
	int depth = 0;

	while (!ft_scan_is_end(&at) && (unsigned char)(*at.at - '0') > 9) {
		if (!ft_scan_word(&at, &word) || !ft_scan_char(&at, '('))
			return false;
		depth++;
	}
	if (ft_scan_literal(&at, "0x")) {
		if (!ft_scan_hex(&at, ret_number))
			return false;
	} else if (ft_scan_literal(&at, "0o")) {
		if (!ft_scan_octal(&at, &octal))
			return false;
		*ret_number = octal;
	} else if (!ft_scan_u64(&at, ret_number)) {
		return false;
	}
	while (depth-- > 0) {
		if (!ft_scan_char(&at, ')'))
			return false;
	}
	*scan = at;
	return true;
}

/* Steps over a value: up to the ", " or " }" that is in no quotes and in no parentheses. */
static void skip_value(struct ft_fuser_request *request)
{
	struct ft_scan *scan = &request->scan;
	struct ft_bytes ignored;
	int depth = 0;

	while (!ft_scan_is_end(scan)) {
		char c = *scan->at;

		if (c == '"' && take_quoted(request, &ignored))
			continue;
		if (depth == 0 && (c == ',' || c == '}'))
			return;
		depth += (c == '(' || c == '{' || c == '[') - (c == ')' || c == '}' || c == ']');
		scan->at++;
	}
}

static void set64(struct ft_fuser_request *request, uint32_t field, uint64_t *to)
{
	if (take_number(request, to))
		request->event.present |= field;
}

static void set32(struct ft_fuser_request *request, uint32_t field, uint32_t *to)
{
	uint64_t number;

	if (!take_number(request, &number))
		return;
	*to = (uint32_t)number;
	request->event.present |= field;
}

/* ---- fields ---- */

typedef void field_fn(struct ft_fuser_request *request);

static void take_name(struct ft_fuser_request *request)
{
	struct ft_event *event = &request->event;
	bool is_xattr = event->opcode == FUSE_SETXATTR || event->opcode == FUSE_GETXATTR ||
			event->opcode == FUSE_REMOVEXATTR;

	take_quoted(request, is_xattr ? &event->xattr : &event->name);
}

static void take_newname(struct ft_fuser_request *request)
{
	struct ft_event *event = &request->event;

	take_quoted(request, event->opcode == FUSE_LINK ? &event->name : &event->name2);
}

/* Until 0.16 the values of SYMLINK's target and link were printed the other way round. */
static void take_target(struct ft_fuser_request *request)
{
	take_quoted(request, &request->event.target);
}

static void take_link(struct ft_fuser_request *request)
{
	struct ft_event *event = &request->event;
	struct ft_bytes text;

	if (!take_quoted(request, &text))
		return;
	if (event->target.data)
		event->name = event->target;
	event->target = text;
}

static void take_link_name(struct ft_fuser_request *request)
{
	take_quoted(request, &request->event.name);
}

static void take_offset(struct ft_fuser_request *request)
{
	set64(request, FT_HAS(OFFSET), &request->event.offset);
}

/* GetSize(GetXAttrSize) asks how large the value is: 0. */
static void take_size(struct ft_fuser_request *request)
{
	struct ft_event *event = &request->event;

	if (ft_scan_literal(&request->scan, "GetSize(")) {
		event->size = 0;
		event->present |= FT_HAS(SIZE);
		skip_value(request);
		return;
	}
	set64(request, FT_HAS(SIZE), &event->size);
}

static void take_fh(struct ft_fuser_request *request)
{
	set64(request, FT_HAS(FH), &request->event.fh);
}

static void take_flags(struct ft_fuser_request *request)
{
	set32(request, FT_HAS(FLAGS), &request->event.flags);
}

static void take_mode(struct ft_fuser_request *request)
{
	set32(request, FT_HAS(MODE), &request->event.mode);
}

static void take_valid(struct ft_fuser_request *request)
{
	set32(request, FT_HAS(VALID), &request->event.valid);
}

static void take_new_directory(struct ft_fuser_request *request)
{
	set64(request, FT_HAS(NODEID2), &request->event.nodeid2);
}

/* The third form's LINK: ino is the file, newparent the directory that the others call ino. */
static void take_new_parent(struct ft_fuser_request *request)
{
	struct ft_event *event = &request->event;
	uint64_t number;

	if (event->opcode != FUSE_LINK) {
		take_new_directory(request);
	} else if (take_number(request, &number)) {
		event->nodeid2 = event->nodeid;
		event->nodeid = number;
		event->present |= FT_HAS(NODEID2);
	}
}

/* FilenameInDir { dir: INodeNo(2), name: "a b.txt" } */
static bool take_place(struct ft_fuser_request *request, uint64_t *ret_directory,
		       struct ft_bytes *ret_name)
{
	return ft_scan_literal(&request->scan, "FilenameInDir { dir: ") &&
	       take_number(request, ret_directory) && ft_scan_literal(&request->scan, ", name: ") &&
	       take_quoted(request, ret_name) && ft_scan_literal(&request->scan, " }");
}

/* CopyFileRangeFile { inode: INodeNo(3), file_handle: FileHandle(1), offset: 0 } */
static bool take_file(struct ft_fuser_request *request, uint64_t *ret_node, uint64_t *ret_fh,
		      uint64_t *ret_offset)
{
	return ft_scan_literal(&request->scan, "CopyFileRangeFile { inode: ") &&
	       take_number(request, ret_node) &&
	       ft_scan_literal(&request->scan, ", file_handle: ") && take_number(request, ret_fh) &&
	       ft_scan_literal(&request->scan, ", offset: ") && take_number(request, ret_offset) &&
	       ft_scan_literal(&request->scan, " }");
}

static void take_source(struct ft_fuser_request *request)
{
	struct ft_event *event = &request->event;
	uint64_t node;

	if (take_place(request, &node, &event->name))
		return;
	if (take_file(request, &node, &event->fh, &event->offset))
		event->present |= FT_HAS(FH) | FT_HAS(OFFSET);
}

static void take_destination(struct ft_fuser_request *request)
{
	struct ft_event *event = &request->event;
	struct ft_bytes name;
	uint64_t node, ignored;

	if (take_place(request, &node, &name)) {
		if (event->opcode == FUSE_LINK) {
			event->name = name;
			return;
		}
		event->name2 = name;
	} else if (!take_file(request, &node, &ignored, &ignored)) {
		return;
	}
	event->nodeid2 = node;
	event->present |= FT_HAS(NODEID2);
}

/* ---- SETATTR: mode: Some(33152), uid: None, ... ---- */

static void note_valid(struct ft_fuser_request *request, uint32_t bit)
{
	request->event.valid |= bit;
}

static void take_optional(struct ft_fuser_request *request, uint32_t bit, field_fn *take)
{
	if (ft_scan_literal(&request->scan, "None"))
		return;
	note_valid(request, bit);
	if (take)
		take(request);
	else if (ft_scan_literal(&request->scan, "Some(Now)"))
		note_valid(request, bit == FATTR_ATIME ? FATTR_ATIME_NOW : FATTR_MTIME_NOW);
}

static void take_new_mode(struct ft_fuser_request *request)
{
	take_optional(request, FATTR_MODE, take_mode);
}

static void take_new_uid(struct ft_fuser_request *request)
{
	request->event.present |= FT_HAS(VALID);
	take_optional(request, FATTR_UID, NULL);
}

static void take_new_gid(struct ft_fuser_request *request)
{
	take_optional(request, FATTR_GID, NULL);
}

static void take_new_size(struct ft_fuser_request *request)
{
	take_optional(request, FATTR_SIZE, take_size);
}

static void take_atime(struct ft_fuser_request *request)
{
	take_optional(request, FATTR_ATIME, NULL);
}

static void take_mtime(struct ft_fuser_request *request)
{
	take_optional(request, FATTR_MTIME, NULL);
}

static void take_ctime(struct ft_fuser_request *request)
{
	take_optional(request, FATTR_CTIME, NULL);
}

static void take_attr_fh(struct ft_fuser_request *request)
{
	take_optional(request, FATTR_FH, take_fh);
}

static const struct field {
	const char *key; /* with the blank or colon behind it */
	field_fn *take;
} fields[] = {
	{"name ", take_name},
	{"fh ", take_fh},
	{"offset ", take_offset},
	{"size ", take_size},
	{"flags ", take_flags},
	{"mode ", take_mode},
	{"mask ", take_mode},
	{"mode: ", take_new_mode},
	{"uid: ", take_new_uid},
	{"gid: ", take_new_gid},
	{"size: ", take_new_size},
	{"atime: ", take_atime},
	{"mtime: ", take_mtime},
	{"ctime: ", take_ctime},
	{"file_handle: ", take_attr_fh},
	{"from ", take_source},
	{"src ", take_source},
	{"to ", take_destination},
	{"dest ", take_destination},
	{"len ", take_size},
	{"newname ", take_newname},
	{"newdir ", take_new_directory},
	{"newparent ", take_new_parent},
	{"oldnodeid ", take_new_directory},
	{"ino ", take_new_directory}, /* of LINK: the file */
	{"target ", take_target},
	{"link_name ", take_link_name},
	{"link ", take_link},
	{"valid ", take_valid},
	{"whence ", take_flags},
	{"oldname ", take_name},
};

static bool take_field(struct ft_fuser_request *request)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (*request->scan.at != fields[i].key[0] ||
		    !ft_scan_bytes(&request->scan, fields[i].key, strlen(fields[i].key)))
			continue;
		fields[i].take(request);
		return true;
	}
	return false;
}

void ft_fuser_take_fields(struct ft_fuser_request *request)
{
	while (!ft_scan_is_end(&request->scan)) {
		take_field(request);
		skip_value(request);
		ft_scan_char(&request->scan, ',');
		if (!ft_scan_chars(&request->scan, ' '))
			return;
	}
}
