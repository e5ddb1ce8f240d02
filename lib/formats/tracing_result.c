/* SPDX-License-Identifier: MIT */
/*
 * What the fields of spans and events tell of an operation's result (tracing.h): an error by its number,
 * its name or its text, what was returned, and how much was read or written.
 */
#include "tracing.h"

#include <linux/fuse.h>

#include "base/errno_text.h"
#include "base/parse.h"

#define ERRNO_MAX 4095
/* Longer than any name of one. */
#define ERRNO_NAME_MAX 24

static bool key_is(struct ft_bytes key, const char *name)
{
	return ft_bytes_equal(key, ft_bytes_of(name));
}

/* A number behind the last occurrence of text: "(os error 2)", "code: 2". 0: none. */
static int32_t number_behind(struct ft_bytes value, const char *text)
{
	struct ft_scan scan = ft_scan_of(value);
	struct ft_bytes before;
	uint64_t number;

	if (!ft_scan_past(&scan, text, strlen(text), &before))
		return 0;
	ft_scan_char(&scan, '-');
	return ft_scan_u64(&scan, &number) && number <= ERRNO_MAX ? (int32_t)number : 0;
}

/* "ENOENT" */
static int32_t named_error(struct ft_bytes value)
{
	struct ft_scan scan = ft_scan_of(value);
	char name[ERRNO_NAME_MAX];
	struct ft_bytes word;
	int number;

	if (value.length >= sizeof(name) || !ft_scan_char(&scan, 'E') ||
	    !ft_scan_word(&scan, &word) || !ft_scan_is_end(&scan))
		return 0;
	memcpy(name, value.data, value.length);
	name[value.length] = '\0';
	return ft_parse_errno(name, &number) == 0 ? number : 0;
}

/* The errno of what programs print as an error; 0: not known. */
static int32_t error_of_text(struct ft_bytes value)
{
	const char *colon = memrchr(value.data, ':', value.length);
	int32_t error = number_behind(value, "os error ");

	if (!error)
		error = number_behind(value, "code: ");
	if (!error)
		error = named_error(ft_tracing_unwrapped(value));
	if (!error)
		error = ft_errno_of_text(value);
	if (!error && colon && colon + 2 < value.data + value.length)
		error = ft_errno_of_text((struct ft_bytes){
			colon + 2, (size_t)(value.data + value.length - colon) - 2});
	return error;
}

/* A signed number; false: it is none, or no errno. */
static bool signed_error(struct ft_bytes value, int32_t *ret_error, bool *ret_negative)
{
	struct ft_scan scan = ft_scan_of(ft_tracing_unwrapped(value));
	bool is_negative = ft_scan_char(&scan, '-');
	uint64_t number;

	if (!ft_scan_u64(&scan, &number) || !ft_scan_is_end(&scan) || number > ERRNO_MAX)
		return false;
	*ret_error = (int32_t)number;
	*ret_negative = is_negative;
	return true;
}

static void tell(struct ft_tracing_result *result, int32_t error, bool is_failure)
{
	if (result->is_told && result->error && !error)
		return; /* a number is more than that it failed */
	result->is_told = true;
	result->error = error;
	result->is_failure = is_failure;
}

/* errno=2, error=No such file or directory */
static void take_error(struct ft_bytes value, struct ft_tracing_result *result)
{
	bool is_negative;
	int32_t error;

	if (key_is(value, "None") || value.length == 0)
		return;
	if (signed_error(value, &error, &is_negative)) {
		tell(result, error, error != 0);
		return;
	}
	tell(result, error_of_text(value), true);
}

/* return=-2, ret=Err(ENOENT), return=Attr { ino: 7 } */
static void take_return(struct ft_bytes value, struct ft_tracing_result *result)
{
	struct ft_scan scan = ft_scan_of(value);
	bool is_negative;
	int32_t error;

	if (ft_scan_literal(&scan, "Err("))
		take_error(ft_tracing_unwrapped(value), result);
	else if (signed_error(value, &error, &is_negative) && is_negative)
		tell(result, error, true);
	else
		tell(result, 0, false);
}

static void take_reply_size(struct ft_bytes key, struct ft_bytes value, uint32_t opcode,
			    struct ft_tracing_result *result)
{
	bool is_size = opcode == FUSE_READ ? key_is(key, "read") || key_is(key, "bytes_read")
					   : opcode == FUSE_WRITE && (key_is(key, "written") ||
								      key_is(key, "bytes_written"));
	uint64_t number;

	if (!is_size || !ft_tracing_number(value, false, &number))
		return;
	result->has_reply_size = true;
	result->reply_size = number;
}

/* The letters that keys of results begin with. */
static bool may_be_result(char c)
{
	return c == 'e' || c == 'r' || c == 'c' || c == 'w' || c == 'b';
}

static void take_result_field(const struct ft_tracing_field *field, uint32_t opcode,
			      struct ft_tracing_result *result)
{
	struct ft_bytes key = field->key;
	bool is_negative;
	int32_t error;

	if (!may_be_result(key.data[0]))
		return;
	if (key_is(key, "errno") || key_is(key, "error") || key_is(key, "err"))
		take_error(field->value, result);
	else if (key_is(key, "code")) {
		if (signed_error(field->value, &error, &is_negative) && is_negative)
			tell(result, error, true);
	} else if (key_is(key, "return") || key_is(key, "ret"))
		take_return(field->value, result);
	else
		take_reply_size(key, field->value, opcode, result);
}

void ft_tracing_find_result(const struct ft_tracing_record *record,
			    struct ft_tracing_result *result)
{
	bool is_ours = !record->is_inner; /* what failed inside may have been made up for */
	int32_t error;

	for (size_t i = 0; i < record->count && (is_ours || !record->is_flat); i++)
		take_result_field(&record->fields[i], record->opcode, result);
	for (size_t i = 0; i < record->own_count && is_ours; i++)
		take_result_field(&record->own[i], record->opcode, result);
	if (!is_ours || record->message.length < sizeof("failed with errno 1") - 1)
		return;
	error = number_behind(record->message, "failed with errno ");
	if (error)
		tell(result, error, true);
}
