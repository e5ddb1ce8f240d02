/* SPDX-License-Identifier: MIT */
/*
 * Logs of real daemons, cut in two at every byte and fed byte by byte: the operations must be those
 * of the whole. Of each log in the folder FUSETRACE_TEST_LOGS two parts are taken, the begin and
 * what stands around the names that imitate records.
 */
#include <dirent.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "formats/formats_testing.h"
#include "testing.h"

#define BEGIN_BYTES 1024
#define PART_BYTES 2048
/* Number of the records that stand in names. */
#define IMITATED "99999"

/* ---- the logs ---- */

static char *folder;

static char *read_file(const char *name, size_t *ret_size)
{
	char path[PATH_MAX];
	char *data = NULL;
	size_t room = 1 << 20;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "rb");
	data = malloc(room);
	assert_non_null(file);
	assert_non_null(data);
	*ret_size = fread(data, 1, room, file);
	assert_true(*ret_size > 0);
	fclose(file);
	return data;
}

static int is_log(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return length > 4 && strcmp(entry->d_name + length - 4, ".log") == 0;
}

/* ---- the comparison ---- */

static void compare(const char *name, const char *part, size_t size, size_t first, size_t others,
		    const char *expected)
{
	char *found = ft_test_log_in_pieces(part, size, first, others);

	if (strcmp(found, expected) != 0)
		fail_msg("%s: cut at %zu, then each %zu:\n%s\nwhole:\n%s", name, first, others,
			 found, expected);
	free(found);
}

static void split(const char *name, const char *part, size_t size)
{
	char *whole = ft_test_log(part, size);

	for (size_t at = 1; at < size; at++)
		compare(name, part, size, at, size, whole);
	compare(name, part, size, 1, 1, whole);
	free(whole);
}

/* From the middle of a line on, perhaps. */
static size_t part_around_names(const char *data, size_t size)
{
	const char *found = memmem(data, size, IMITATED, strlen(IMITATED));
	size_t at = found ? (size_t)(found - data) : 0;

	return at > PART_BYTES / 2 ? at - PART_BYTES / 2 : 0;
}

static void test_split(void **state)
{
	struct dirent **logs = NULL;
	int count = scandir(folder, &logs, is_log, alphasort);

	assert_true(count > 0);
	for (int i = 0; i < count; i++) {
		size_t size = 0;
		char *data = read_file(logs[i]->d_name, &size);
		size_t at = part_around_names(data, size);

		split(logs[i]->d_name, data, size < BEGIN_BYTES ? size : BEGIN_BYTES);
		if (at)
			split(logs[i]->d_name, data + at,
			      size - at < PART_BYTES ? size - at : PART_BYTES);
		free(data);
		free(logs[i]);
	}
	free(logs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),
	};

	folder = getenv("FUSETRACE_TEST_LOGS");
	if (!folder) {
		printf("1..0 # SKIP FUSETRACE_TEST_LOGS names no folder of logs: run by meson test\n");
		return 0;
	}
	ft_test_deadline(110);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
