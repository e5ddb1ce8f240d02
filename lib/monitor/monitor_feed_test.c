/* SPDX-License-Identifier: MIT */
/* What a caller learns of a log beside its operations: counts, lines not understood, formats. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fusetrace/fusetrace.h>

#include "testing.h"

#define RECORD "{\"v\":1,\"op\":\"mkdir\",\"path\":\"/a\",\"errno\":0}\n"

static struct fusetrace_monitor *new_monitor(uint32_t source)
{
	struct fusetrace_monitor *monitor;

	assert_int_equal(
		fusetrace_monitor_new(FUSETRACE_MONITOR_OPTS(.source = source), &monitor, NULL), 0);
	return monitor;
}

struct told {
	struct fusetrace_monitor *monitor;
	char text[200];
};

/* No lock is held: the monitor can be asked, and has what came before. */
static void on_unparsed(uint64_t number, const char *line, size_t length, void *data)
{
	struct told *told = data;

	sprintf(told->text + strlen(told->text), "%llu:%.*s(%lld) ", (unsigned long long)number,
		(int)length, line, (long long)fusetrace_count(told->monitor, NULL, NULL));
}

static void assert_counts(struct fusetrace_monitor *monitor, uint64_t lines, uint64_t unparsed)
{
	struct fusetrace_log_counts counts;

	assert_int_equal(fusetrace_log_counts(monitor, &counts), 0);
	assert_int_equal(counts.lines, lines);
	assert_int_equal(counts.unparsed, unparsed);
}

static void test_unparsed(void **state)
{
	struct told told = {.monitor = new_monitor(FUSETRACE_SOURCE_LOG)};

	ft_test_feed_line(told.monitor, "before\n"); /* nobody wanted it */
	assert_int_equal(fusetrace_set_unparsed_fn(told.monitor, on_unparsed, &told), 0);
	ft_test_feed_line(told.monitor, "first\n" RECORD "\n\nsecond\n");
	assert_string_equal(told.text, "2:first(1) 6:second(1) ");
	ft_test_feed_line(told.monitor, "la");
	ft_test_feed_line(told.monitor, "st");
	assert_string_equal(told.text, "2:first(1) 6:second(1) ");
	assert_int_equal(fusetrace_feed_end(told.monitor, NULL), 0);
	assert_string_equal(told.text, "2:first(1) 6:second(1) 7:last(1) ");
	assert_counts(told.monitor, 5, 4);
	assert_int_equal(fusetrace_set_unparsed_fn(told.monitor, NULL, NULL), 0);
	ft_test_feed_line(told.monitor, "third\n");
	assert_string_equal(told.text, "2:first(1) 6:second(1) 7:last(1) ");
	assert_counts(told.monitor, 6, 5);
	fusetrace_monitor_free(told.monitor);
}

static void test_other_sources(void **state)
{
	struct fusetrace_monitor *monitor = new_monitor(FUSETRACE_SOURCE_REPLAY);

	ft_test_feed_line(monitor, RECORD);
	assert_int_equal(fusetrace_set_unparsed_fn(monitor, on_unparsed, NULL), -EINVAL);
	assert_counts(monitor, 0, 0);
	assert_int_equal(fusetrace_log_counts(monitor, NULL), -EINVAL);
	assert_int_equal(fusetrace_log_counts(NULL, NULL), -EINVAL);
	assert_int_equal(fusetrace_set_unparsed_fn(NULL, on_unparsed, NULL), -EINVAL);
	fusetrace_monitor_free(monitor);
}

static void assert_is_text(const char *text)
{
	assert_non_null(text);
	assert_true(*text);
	for (; *text; text++)
		assert_in_range((unsigned char)*text, 0x20, 0x7e);
}

static void test_formats(void **state)
{
	static const uint32_t known = 2 * FUSETRACE_GIVES_PROOF - 1;
	struct fusetrace_format_info formats[64];
	size_t count = 0;

	while (fusetrace_format_get(count, &formats[count]) == 0) {
		const struct fusetrace_format_info *format = &formats[count];

		assert_is_text(format->name);
		assert_is_text(format->title);
		assert_is_text(format->used_by);
		assert_is_text(format->how);
		if (format->note)
			assert_is_text(format->note);
		assert_int_equal(format->gives & ~known, 0);
		/* how it ended tells that it ended */
		if (format->gives & FUSETRACE_GIVES_ERRNO)
			assert_true(format->gives & FUSETRACE_GIVES_REPLY);
		assert_null(strpbrk(format->name, " \tABCDEFGHIJKLMNOPQRSTUVWXYZ"));
		for (size_t i = 0; i < count; i++)
			assert_string_not_equal(formats[i].name, format->name);
		assert_in_range(++count, 1, 63);
	}
	assert_in_range(count, 2, 63);
	assert_int_equal(fusetrace_format_get(count, &formats[0]), -ERANGE);
	assert_int_equal(fusetrace_format_get(SIZE_MAX, &formats[0]), -ERANGE);
	assert_int_equal(fusetrace_format_get(0, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unparsed),
		cmocka_unit_test(test_other_sources),
		cmocka_unit_test(test_formats),
	};

	ft_test_deadline(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
