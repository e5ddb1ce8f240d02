/* SPDX-License-Identifier: MIT */
/*
 * JSON line to record. jansson does the syntax; here is what the keys mean, table by table, and
 * what of a line that is JSON is still no record. Lines are hostile: each length, type and range is
 * checked, and what is shown of a line in an error is escaped.
 */
#include "json_read.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <fusetrace/fusetrace.h>

#include "base/text.h"
#include "json_line.h"
#include "opcode.h"

/* What struct fusetrace_op keeps of these two is 16 bits. */
#define OPCODE_MAX UINT16_MAX
#define ERRNO_MAX UINT16_MAX

/* ---- keys ---- */

enum key_kind { KEY_NUMBER, KEY_NAME, KEY_NAME_BYTES, KEY_MARK };

/* A key whose value is stored as it is; v, op, event, opcode, status and source are not. */
struct key {
	const char *name;
	uint8_t length;
	uint8_t kind;
	uint8_t width;   /* of a number's member: 4 or 8 */
	uint16_t offset; /* of the member in struct ft_json_record */
	uint32_t bit;    /* set in the word of what is present; of a mark, the mark */
	uint64_t max;
};

struct key_table {
	uint16_t present_offset;
	uint16_t n;
	const struct key *keys;
};

#define MEMBER_WIDTH(member) sizeof(((struct ft_json_record *)NULL)->member)
#define MEMBER_MAX(member) (MEMBER_WIDTH(member) == 4 ? UINT32_MAX : UINT64_MAX)

#define KEY(key, kind_, bit_, member, max_)                                                        \
	{                                                                                          \
		.name = key,                                                                       \
		.length = sizeof(key) - 1,                                                         \
		.kind = kind_,                                                                     \
		.width = MEMBER_WIDTH(member),                                                     \
		.offset = offsetof(struct ft_json_record, member),                                 \
		.bit = bit_,                                                                       \
		.max = max_,                                                                       \
	},

#define NUMBER_KEY(field, key, member)                                                             \
	KEY(key, KEY_NUMBER, FT_HAS(field), member,                                                \
	    FUSETRACE_FIELD_##field == FUSETRACE_FIELD_ERRNO ? ERRNO_MAX : MEMBER_MAX(member))
#define NAME_KEYS(field, key, member)                                                              \
	KEY(key, KEY_NAME, FT_HAS(field), member, 0)                                               \
	KEY(key "_bytes", KEY_NAME_BYTES, FT_HAS(field), member, 0)
#define MARK_KEY(mark, key, member) KEY(key, KEY_MARK, FUSETRACE_OP_##mark, member, 0)
#define EVENT_NAME_KEYS(key, member)                                                               \
	KEY(key, KEY_NAME, 0, member, 0)                                                           \
	KEY(key "_bytes", KEY_NAME_BYTES, 0, member, 0)
#define EVENT_NUMBER_KEY(number, key, member)                                                      \
	KEY(key, KEY_NUMBER, FT_JSON_HAS_##number, member, MEMBER_MAX(member))

/* clang-format off */
static const struct key op_keys[] = {
	KEY("seq", KEY_NUMBER, 0, seq, UINT64_MAX)
	FT_JSON_NUMBERS(NUMBER_KEY)
	FT_JSON_NAMES(NAME_KEYS)
	FT_JSON_MARKS(MARK_KEY)
};

static const struct key event_keys[] = {
	FT_JSON_EVENT_NUMBERS(EVENT_NUMBER_KEY)
	KEY("mount", KEY_NAME, 0, mount, 0)
	KEY("mount_bytes", KEY_NAME_BYTES, 0, mount, 0)
	FT_JSON_EVENT_NAMES(EVENT_NAME_KEYS)
};
/* clang-format on */

#define TABLE(keys_, present)                                                                      \
	{                                                                                          \
		offsetof(struct ft_json_record, present), sizeof(keys_) / sizeof((keys_)[0]),      \
			keys_                                                                      \
	}

static const struct key_table op_table = TABLE(op_keys, event.present);
static const struct key_table event_table = TABLE(event_keys, has);

static const struct key *find_key(const struct key_table *table, const char *name)
{
	size_t length = strlen(name);

	for (const struct key *key = table->keys; key < table->keys + table->n; key++) {
		if (key->length == length && memcmp(key->name, name, length) == 0)
			return key;
	}
	return NULL;
}

static int store_number(const struct ft_json_line *line, const struct key *key, const json_t *value)
{
	char *member = (char *)line->record + key->offset;
	uint64_t number;
	uint32_t narrow;
	int r;

	r = ft_json_line_number(line, key->name, value, key->max, &number);
	if (r)
		return r;
	narrow = (uint32_t)number;
	if (key->width == sizeof(narrow))
		memcpy(member, &narrow, sizeof(narrow));
	else
		memcpy(member, &number, sizeof(number));
	return 0;
}

/*
 * What came as base64 is the name, and what stands beside it is for people: since no key comes
 * twice, a name that is there already is the one from base64.
 */
static int store_name(const struct ft_json_line *line, const struct key *key, const json_t *value)
{
	struct ft_bytes *member = (struct ft_bytes *)((char *)line->record + key->offset);
	struct ft_bytes bytes;
	int r;

	if (key->kind == KEY_NAME_BYTES)
		return ft_json_line_base64(line, key->name, value, member);
	r = ft_json_line_string(line, key->name, value, &bytes);
	if (r == 0 && !member->data)
		*member = bytes;
	return r;
}

static int store_mark(const struct ft_json_line *line, const struct key *key, const json_t *value)
{
	if (!json_is_boolean(value))
		return ft_json_fail_key(line, key->name, "must be true or false");
	if (json_is_true(value))
		line->record->event.marks |= key->bit;
	return 0;
}

/* Keys that are in no table are those of a later version, or somebody's own. */
static int store_keys(const struct ft_json_line *line, json_t *root, const struct key_table *table)
{
	uint32_t *present = (uint32_t *)((char *)line->record + table->present_offset);
	const char *name;
	json_t *value;

	json_object_foreach(root, name, value)
	{
		const struct key *key = find_key(table, name);
		int r;

		if (!key)
			continue;
		if (key->kind == KEY_MARK)
			r = store_mark(line, key, value);
		else if (key->kind == KEY_NUMBER)
			r = store_number(line, key, value);
		else
			r = store_name(line, key, value);
		if (r)
			return r;
		if (key->kind != KEY_MARK)
			*present |= key->bit;
	}
	return 0;
}

/* ---- records ---- */

/* Nothing known has this name, but it may be an opcode of a later version. */
static int take_new_opcode(const struct ft_json_line *line, struct ft_bytes name, bool has_number,
			   uint64_t number)
{
	if (has_number && ft_opcode_get((uint32_t)number)->number != number) {
		line->record->event.opcode = (uint32_t)number;
		return 0;
	}
	return ft_json_fail_key(line, "op", "\"%s\" is no operation; the nearest is \"%s\"",
				ft_json_quote(name).text,
				ft_op_name_nearest(name.data, name.length));
}

static int read_opcode(const struct ft_json_line *line, const json_t *root, const json_t *op,
		       struct ft_op_selector *ret_selector)
{
	const json_t *opcode = json_object_get(root, "opcode");
	struct ft_op_selector selector = {0};
	struct ft_bytes name;
	uint64_t number = 0;
	int r;

	r = ft_json_line_string(line, "op", op, &name);
	if (r == 0 && opcode)
		r = ft_json_line_number(line, "opcode", opcode, OPCODE_MAX, &number);
	if (r)
		return r;

	*ret_selector = selector;
	if (!ft_op_selector_parse(name.data, name.length, &selector))
		return take_new_opcode(line, name, opcode, number);
	if (!opcode)
		number = selector.number ? selector.number
					 : (uint32_t)__builtin_ctzll(selector.opcodes);
	if (number > OPCODE_MAX)
		return ft_json_fail_key(line, "op", "may be \"opcode_%u\" at most", OPCODE_MAX);
	if (!(selector.opcodes & ft_opcode_bit((uint32_t)number)) ||
	    (selector.number && selector.number != number))
		return ft_json_fail_key(line, "opcode", "%" PRIu64 " is not \"%s\"", number,
					ft_json_quote(name).text);
	line->record->event.opcode = (uint32_t)number;
	*ret_selector = selector;
	return 0;
}

/* "chmod" alone says what SETATTR sets; a valid beside it may say more, but not otherwise. */
static int check_valid(const struct ft_json_line *line, const struct ft_op_selector *selector)
{
	struct ft_event *event = &line->record->event;

	if (selector->valid == 0)
		return 0;
	if (!(event->present & FT_HAS(VALID))) {
		event->valid = selector->valid;
		event->present |= FT_HAS(VALID);
	}
	if (event->valid & selector->valid)
		return 0;
	return ft_json_fail_key(line, "valid", "does not set what \"op\" says");
}

static int read_status(const struct ft_json_line *line, const json_t *root)
{
	const json_t *value = json_object_get(root, "status");
	struct ft_json_record *record = line->record;
	bool has_errno = record->event.present & FT_HAS(ERRNO);
	struct ft_bytes word = {0};
	int r;

	if (!value) {
		record->status = !has_errno            ? FUSETRACE_STATUS_UNKNOWN
				 : record->event.error ? FUSETRACE_STATUS_FAILED
						       : FUSETRACE_STATUS_COMPLETED;
		return 0;
	}
	r = ft_json_line_string(line, "status", value, &word);
	if (r)
		return r;
	for (uint32_t i = FUSETRACE_STATUS_STARTED; ft_json_status_word(i); i++) {
		if (ft_bytes_equal(word, ft_bytes_of(ft_json_status_word(i))))
			record->status = i;
	}
	if (record->status == 0)
		return ft_json_fail_key(line, "status",
					"\"%s\" is none of started, completed, failed, unknown",
					ft_json_quote(word).text);
	if (has_errno && record->status == FUSETRACE_STATUS_COMPLETED && record->event.error != 0)
		return ft_json_fail_key(line, "errno", "must be 0 for what is completed");
	if (has_errno && record->status == FUSETRACE_STATUS_FAILED && record->event.error == 0)
		return ft_json_fail_key(line, "errno", "must not be 0 for what has failed");
	return 0;
}

/* A source of a later version reads as one that is not told. */
static int read_source(const struct ft_json_line *line, const json_t *root)
{
	const json_t *value = json_object_get(root, "source");
	struct ft_bytes word = {0};
	int r;

	if (!value)
		return 0;
	r = ft_json_line_string(line, "source", value, &word);
	if (r)
		return r;
	for (uint32_t i = FUSETRACE_SOURCE_KERNEL; ft_json_source_word(i); i++) {
		if (ft_bytes_equal(word, ft_bytes_of(ft_json_source_word(i))))
			line->record->source = i;
	}
	return 0;
}

static int read_op(const struct ft_json_line *line, json_t *root, const json_t *op)
{
	struct ft_op_selector selector;
	int r;

	line->record->kind = FT_JSON_OP;
	r = read_opcode(line, root, op, &selector);
	if (r == 0)
		r = store_keys(line, root, &op_table);
	if (r == 0)
		r = check_valid(line, &selector);
	if (r == 0)
		r = read_status(line, root);
	return r ? r : read_source(line, root);
}

static int read_event(const struct ft_json_line *line, json_t *root, const json_t *event)
{
	struct ft_bytes word = {0};
	int r;

	r = ft_json_line_string(line, "event", event, &word);
	if (r)
		return r;
	line->record->kind = FT_JSON_OTHER;
	for (uint32_t i = FT_JSON_TRACE; ft_json_kind_word(i); i++) {
		if (ft_bytes_equal(word, ft_bytes_of(ft_json_kind_word(i))))
			line->record->kind = i;
	}
	if (line->record->kind == FT_JSON_OTHER)
		return 0;
	r = store_keys(line, root, &event_table);
	return r ? r : read_source(line, root);
}

static int check_version(const struct ft_json_line *line, const json_t *root)
{
	const json_t *version = json_object_get(root, "v");

	if (!version)
		return ft_json_fail_at(line, 1, "\"v\", the version of the record, is missing");
	if (!json_is_integer(version) || json_integer_value(version) < 1)
		return ft_json_fail_key(line, "v", "must be a version number from 1");
	if (json_integer_value(version) > FT_JSON_VERSION)
		return ft_json_fail_key(line, "v",
					"%" JSON_INTEGER_FORMAT
					" is newer than this fusetrace, which reads version %d",
					json_integer_value(version), FT_JSON_VERSION);
	return 0;
}

static int read_record(const struct ft_json_line *line, json_t *root)
{
	const json_t *op = json_object_get(root, "op");
	const json_t *event = json_object_get(root, "event");
	int r;

	if (!json_is_object(root))
		return ft_json_fail_at(line, 1, "a record is an object in braces, not a list");
	r = check_version(line, root);
	if (r)
		return r;
	if (op && event)
		return ft_json_fail_key(line, "event", "and \"op\" cannot be in one record");
	if (op)
		return read_op(line, root, op);
	if (event)
		return read_event(line, root, event);
	return ft_json_fail_at(line, 1, "\"op\" or \"event\" is missing");
}

static int fail_syntax(const struct ft_json_line *line, const json_error_t *error)
{
	uint32_t column = error->column > 0 ? (uint32_t)error->column : 1;
	char text[JSON_ERROR_TEXT_LENGTH];
	char *end;

	/* most of jansson's allocations fail without a word */
	if (json_error_code(error) == json_error_out_of_memory || error->text[0] == '\0')
		return -ENOMEM;
	if (json_error_code(error) == json_error_null_character)
		return ft_json_fail_at(line, column, "\\u0000 is a NUL, which no name has");
	ft_text_escape(ft_bytes_of(error->text), text, sizeof(text));
	end = strstr(text, "end of file"); /* of what jansson was given */
	if (end)
		memcpy(end + strlen("end of "), "line", 4);
	return ft_json_fail_at(line, column, "not JSON: %s", text);
}

void ft_json_reader_done(struct ft_json_reader *reader)
{
	if (!reader)
		return;
	json_decref(reader->root);
	free(reader->decoded);
	*reader = (struct ft_json_reader){0};
}

int ft_json_read(struct ft_json_reader *reader, const char *text, size_t length,
		 struct ft_json_record *ret_record, struct ft_json_error *reterr_error)
{
	struct ft_json_record record = {0};
	struct ft_json_line line = {reader, &record, reterr_error, text, length};
	json_error_t error;
	int r;

	json_decref(reader->root);
	reader->root = NULL;
	reader->decoded_used = 0;
	if (length > FT_JSON_LINE_MAX)
		return ft_json_fail_at(&line, FT_JSON_LINE_MAX + 1,
				       "a line may have no more than %u bytes", FT_JSON_LINE_MAX);
	reader->root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
	if (!reader->root)
		return fail_syntax(&line, &error);
	r = read_record(&line, reader->root);
	if (r == 0)
		*ret_record = record;
	return r;
}
