/* SPDX-License-Identifier: MIT */
/*
 * The arguments and results in JuiceFS's access log (juicefs.c): each method has its own form.
 *
 *	create (2,a.txt,-rw-r--r--:0100644): (3,[-rw-r--r--:0100644,1,0,0,...]) [fh:4]
 *	setattr (3[12],0x8,[size=50]): (3,[-rw-------:0100600,1,1,1,...])
 */
#include "base/text.h"
#include "juicefs.h"

#define SETATTR 4
#define READLINK 5
#define VALID_FH 64u

/* ---- names ---- */

/* What Go's CanBackquote says of a name: without quotes it would stand for itself. */
static bool is_plain(struct ft_bytes text, bool with_backquotes)
{
	for (size_t i = 0; i < text.length; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if ((c < ' ' && c != '\t') || c == 0x7f || (c == '`' && !with_backquotes))
			return false;
	}
	return ft_utf8_valid(text.data, text.length) &&
	       !memmem(text.data, text.length, "\357\273\277", 3); /* a byte order mark */
}

/* Puts quotes around it: one at the end was cut off together with one that was part of the name. */
static size_t put_quotes(char *out, struct ft_bytes text)
{
	size_t backslashes = 0;
	char *at = out;

	while (backslashes < text.length && text.data[text.length - 1 - backslashes] == '\\')
		backslashes++;
	*at++ = '"';
	at = mempcpy(at, text.data, text.length);
	if (backslashes % 2)
		*at++ = '"';
	*at++ = '"';
	return (size_t)(at - out);
}

/*
 * A name with backslashes may be one that was quoted, or have them itself. It is the latter if it
 * would have been printed without quotes otherwise; where it may be both, the operation is suspect.
 */
static struct ft_bytes take_name(struct ft_juicefs_record *record, struct ft_bytes text)
{
	struct ft_scan scan;
	struct ft_bytes name;
	char *quoted = record->scratch;

	if (record->quoting == FT_JUICEFS_RAW || !memchr(text.data, '\\', text.length) ||
	    !is_plain(text, true))
		return text;
	record->scratch += put_quotes(quoted, text);
	scan = (struct ft_scan){quoted, record->scratch};
	if (!ft_scan_quoted(&scan, quoted, &name) || !ft_scan_is_end(&scan) ||
	    is_plain(name, false))
		return text;
	if (!memchr(text.data, '`', text.length))
		record->event.marks |= FUSETRACE_OP_SUSPECT;
	return name;
}

/* ---- arguments ---- */

/* 50 or 0x8000 */
static bool take_number(struct ft_bytes text, uint64_t *ret_number)
{
	struct ft_scan scan = ft_scan_of(text);

	return (ft_scan_literal(&scan, "0x") ? ft_scan_hex(&scan, ret_number)
					     : ft_scan_u64(&scan, ret_number)) &&
	       ft_scan_is_end(&scan);
}

/* -rw-r--r--:0100644 */
static bool take_mode(struct ft_bytes text, uint32_t *ret_mode)
{
	struct ft_scan scan = ft_scan_of(text);
	struct ft_bytes ignored;

	return ft_scan_until(&scan, ':', &ignored) && ft_scan_octal(&scan, ret_mode) &&
	       ft_scan_is_end(&scan);
}

static bool take_value(struct ft_event *event, char kind, struct ft_bytes text)
{
	uint64_t number = 0;

	if (kind == 'M') {
		event->present |= take_mode(text, &event->mode) ? FT_HAS(MODE) : 0;
		return event->present & FT_HAS(MODE);
	}
	if (kind != '-' && !take_number(text, &number))
		return false;
	switch (kind) {
	case 'n':
		event->nodeid = number;
		event->present |= FT_HAS(NODEID);
		break;
	case 'm':
		event->nodeid2 = number;
		event->present |= FT_HAS(NODEID2);
		break;
	case 's':
		event->size = number;
		event->present |= FT_HAS(SIZE);
		break;
	case 'o': /* of a copy the first one counts */
		event->offset = event->present & FT_HAS(OFFSET) ? event->offset : number;
		event->present |= FT_HAS(OFFSET);
		break;
	case 'h':
		event->fh = number;
		event->present |= FT_HAS(FH);
		break;
	case 'f':
		event->flags = (uint32_t)number;
		event->present |= FT_HAS(FLAGS);
		break;
	case 'k':
		event->mode = (uint32_t)number;
		event->present |= FT_HAS(MODE);
		break;
	default:
		break;
	}
	return true;
}

/* NAME,NODEID,NAME or NAME,TARGET: where it may be cut in two ways, the operation is suspect. */
static bool take_two(struct ft_juicefs_record *record, const char *kinds, struct ft_bytes text)
{
	struct ft_event *event = &record->event;
	struct ft_bytes first = {NULL, 0}, second = {NULL, 0};
	struct ft_scan scan = ft_scan_of(text);
	struct ft_bytes ignored;
	uint64_t number;
	bool is_rename = kinds[1] == 'm';

	while (ft_scan_until(&scan, ',', &ignored)) {
		struct ft_scan behind = scan;

		if (is_rename && (!ft_scan_u64(&behind, &number) || !ft_scan_char(&behind, ',')))
			continue;
		if (first.data) {
			event->marks |= FUSETRACE_OP_SUSPECT;
			break;
		}
		first = (struct ft_bytes){text.data, (size_t)(scan.at - 1 - text.data)};
		second = ft_scan_rest(&behind);
		if (is_rename)
			event->nodeid2 = number;
	}
	if (!first.data)
		return false;
	event->name = take_name(record, first);
	*(is_rename ? &event->name2 : &event->target) = take_name(record, second);
	event->present |= is_rename ? FT_HAS(NODEID2) : 0;
	return true;
}

static bool take_names(struct ft_juicefs_record *record, const char *kinds, const char *kinds_end,
		       struct ft_bytes text)
{
	if (kinds_end - kinds > 1)
		return take_two(record, kinds, text);
	*(*kinds == 'x' ? &record->event.xattr : &record->event.name) = take_name(record, text);
	return true;
}

/* Those before a name from the left, those behind it from the right; the name is what is left. */
static bool take_list(struct ft_juicefs_record *record)
{
	const char *kinds = record->method->arguments;
	const char *end = kinds + strlen(kinds);
	struct ft_bytes text = record->arguments;
	const char *comma;

	for (; kinds < end && !strchr("ax", *kinds); kinds++) {
		comma = memchr(text.data, ',', text.length);
		if (!comma) /* the last one, others may not be told */
			return take_value(&record->event, *kinds, text) &&
			       !(record->method->behaviour & FT_JUICEFS_NAMES);
		if (!take_value(&record->event, *kinds,
				(struct ft_bytes){text.data, (size_t)(comma - text.data)}))
			return false;
		text.length -= (size_t)(comma + 1 - text.data);
		text.data = comma + 1;
	}
	for (; end > kinds && !strchr("abtx", end[-1]); end--) {
		comma = memrchr(text.data, ',', text.length);
		if (!comma ||
		    !take_value(&record->event, end[-1],
				(struct ft_bytes){comma + 1,
						  (size_t)(text.data + text.length - comma - 1)}))
			return false;
		text.length = (size_t)(comma - text.data);
	}
	return kinds == end || take_names(record, kinds, end, text);
}

/* 3[12],0x9,[mode=-rw-------:00600,size=50]; without a handle before 1.1 */
static void take_attributes(struct ft_juicefs_record *record)
{
	struct ft_event *event = &record->event;
	struct ft_scan scan = ft_scan_of(record->arguments);
	struct ft_bytes key;
	uint64_t valid;

	if (!ft_scan_u64(&scan, &event->nodeid))
		return;
	event->present |= FT_HAS(NODEID);
	if (ft_scan_char(&scan, '[') &&
	    (!ft_scan_u64(&scan, &event->fh) || !ft_scan_char(&scan, ']')))
		return;
	if (!ft_scan_literal(&scan, ",0x") || !ft_scan_hex(&scan, &valid) ||
	    !ft_scan_literal(&scan, ",["))
		return;
	event->valid = (uint32_t)valid;
	event->present |= FT_HAS(VALID) | (valid & VALID_FH ? FT_HAS(FH) : 0);
	while (ft_scan_until(&scan, '=', &key)) {
		const char *begin = scan.at;

		while (!ft_scan_is_end(&scan) && *scan.at != ',' && *scan.at != ']')
			scan.at++;
		if (ft_bytes_equal(key, FT_BYTES_LITERAL("mode")))
			take_value(event, 'M', (struct ft_bytes){begin, (size_t)(scan.at - begin)});
		else if (ft_bytes_equal(key, FT_BYTES_LITERAL("size")))
			take_value(event, 's', (struct ft_bytes){begin, (size_t)(scan.at - begin)});
		ft_scan_char(&scan, ',');
	}
}

void ft_juicefs_arguments(struct ft_juicefs_record *record)
{
	if (record->method->opcode == SETATTR)
		take_attributes(record);
	else if (!record->is_first || !(record->method->behaviour & FT_JUICEFS_CHANGED))
		take_list(record);
}

/* ---- results ---- */

/* " (15,[-rw-------:0100600,1,0,...]) [fh:40]", " [fh:9]", " (102405)", " (a.txt)" */
void ft_juicefs_result(const struct ft_juicefs_record *record, struct ft_event *end)
{
	struct ft_scan scan = ft_scan_of(record->result);
	struct ft_bytes ignored;

	if (ft_scan_literal(&scan, " (") && record->method->behaviour & FT_JUICEFS_ENTRY &&
	    ft_scan_u64(&scan, &end->entry)) {
		end->present |= FT_HAS(ENTRY);
		if (ft_scan_literal(&scan, ",[") && ft_scan_until(&scan, ':', &ignored))
			ft_scan_octal(&scan, &end->entry_mode);
	} else if (record->method->behaviour & FT_JUICEFS_COUNT) {
		end->present |= ft_scan_u64(&scan, &end->reply_size) ? FT_HAS(REPLY_SIZE) : 0;
		end->probe_size = end->reply_size;
	}
	if (record->method->opcode != READLINK && ft_scan_past(&scan, "[fh:", 4, &ignored) &&
	    ft_scan_u64(&scan, &end->fh))
		end->present |= FT_HAS(FH);
}
