/* SPDX-License-Identifier: MIT */
/* Summaries against counting by hand and sorting, in one piece and merged from several. */
#include "summary.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/fuse.h>

#include "event.h"

#define DEADLINE_S 60
#define OPS 20000
#define NAMES 64

static struct ft_name *new_name(const char *text)
{
	size_t length = strlen(text);
	struct ft_name *name = malloc(sizeof(*name) + length + 1);

	assert_non_null(name);
	name->hash = 0;
	name->length = (uint32_t)length;
	memcpy(name->bytes, text, length + 1);
	return name;
}

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* The row of this name; fails if there is none. */
static struct fusetrace_summary_row row_named(struct fusetrace_summary *summary, const char *op)
{
	struct fusetrace_summary_row row;

	for (size_t i = 0; fusetrace_summary_get(summary, i, &row) == 0; i++) {
		if (strcmp(row.op, op) == 0)
			return row;
	}
	fail_msg("no row %s", op);
	return row;
}

static size_t count_rows(struct fusetrace_summary *summary)
{
	struct fusetrace_summary_row row;
	size_t n = 0;

	while (fusetrace_summary_get(summary, n, &row) == 0)
		n++;
	return n;
}

/* ---- single rules ---- */

static void test_empty(void **state)
{
	struct fusetrace_summary *summary;
	struct fusetrace_summary_row row;

	assert_int_equal(fusetrace_summary_new(&summary), 0);
	assert_int_equal(fusetrace_summary_get(summary, 0, &row), -ERANGE);
	assert_int_equal(fusetrace_summary_get(summary, 0, NULL), -EINVAL);
	assert_int_equal(fusetrace_summary_add(summary, NULL), -EINVAL);
	assert_null(fusetrace_summary_free(summary));
	assert_null(fusetrace_summary_free(NULL));
	assert_int_equal(fusetrace_summary_new(NULL), -EINVAL);
}

static void test_what_counts_as_failed(void **state)
{
	struct fusetrace_summary *summary;
	struct fusetrace_op op = {.opcode = FUSE_GETXATTR, .present = FT_HAS(ERRNO)};
	struct fusetrace_summary_row row;

	assert_int_equal(fusetrace_summary_new(&summary), 0);
	op.status = FUSETRACE_STATUS_COMPLETED;
	assert_int_equal(fusetrace_summary_add(summary, &op), 0);
	op.status = FUSETRACE_STATUS_UNKNOWN;
	assert_int_equal(fusetrace_summary_add(summary, &op), 0);
	op.status = FUSETRACE_STATUS_FAILED;
	op.error = ENODATA;
	assert_int_equal(fusetrace_summary_add(summary, &op), 0);
	op.marks = FUSETRACE_OP_PROBE;
	assert_int_equal(fusetrace_summary_add(summary, &op), 0);
	assert_int_equal(fusetrace_summary_add(summary, &op), 0);

	row = row_named(summary, "getxattr");
	assert_int_equal(row.count, 5);
	assert_int_equal(row.failed, 1);
	assert_int_equal(row.probes, 2);
	assert_int_equal(row.timed, 0);
	assert_int_equal(row.p50_ns, 0);
	assert_int_equal(row.max_ns, 0);
	assert_null(row.slowest);
	fusetrace_summary_free(summary);
}

static void test_bytes(void **state)
{
	static const struct {
		struct fusetrace_op op;
		uint64_t bytes;
	} cases[] = {
		/* what a read asks for is not what it gets */
		{{.opcode = FUSE_READ, .size = 100, .present = FT_HAS(SIZE)}, 0},
		{{.opcode = FUSE_READ,
		  .size = 100,
		  .reply_size = 7,
		  .present = FT_HAS(SIZE) | FT_HAS(REPLY_SIZE)},
		 7},
		{{.opcode = FUSE_WRITE, .size = 100, .present = FT_HAS(SIZE)}, 100},
		{{.opcode = FUSE_WRITE,
		  .size = 100,
		  .reply_size = 60,
		  .present = FT_HAS(SIZE) | FT_HAS(REPLY_SIZE)},
		 60},
		{{.opcode = FUSE_READDIR, .reply_size = 9, .present = FT_HAS(REPLY_SIZE)}, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fusetrace_op op = cases[i].op;
		struct fusetrace_summary *summary;
		struct fusetrace_summary_row row;

		assert_int_equal(fusetrace_summary_new(&summary), 0);
		op.status = FUSETRACE_STATUS_FAILED;
		assert_int_equal(fusetrace_summary_add(summary, &op), 0);
		op.status = FUSETRACE_STATUS_STARTED;
		assert_int_equal(fusetrace_summary_add(summary, &op), 0);
		op.status = FUSETRACE_STATUS_COMPLETED;
		assert_int_equal(fusetrace_summary_add(summary, &op), 0);
		assert_int_equal(fusetrace_summary_get(summary, 0, &row), 0);
		assert_int_equal(row.bytes, cases[i].bytes);
		fusetrace_summary_free(summary);
	}
}

static void add_timed(struct fusetrace_summary *summary, uint64_t duration_ns, const char *path)
{
	struct ft_name *name = path ? new_name(path) : NULL;
	struct fusetrace_op op = {
		.opcode = FUSE_OPEN,
		.status = FUSETRACE_STATUS_COMPLETED,
		.duration_ns = duration_ns,
		.path = name,
		.present = FT_HAS(DURATION_NS) | (path ? FT_HAS(PATH) : 0),
	};

	assert_int_equal(fusetrace_summary_add(summary, &op), 0);
	free(name); /* the summary must have a copy */
}

static void test_slowest(void **state)
{
	struct fusetrace_summary *summary;

	assert_int_equal(fusetrace_summary_new(&summary), 0);
	add_timed(summary, 0, "/zero");
	assert_string_equal(row_named(summary, "open").slowest, "/zero");
	add_timed(summary, 5, "/a path that is longer than the one before");
	add_timed(summary, 5, "/as slow but later");
	add_timed(summary, 4, "/faster");
	assert_string_equal(row_named(summary, "open").slowest,
			    "/a path that is longer than the one before");
	add_timed(summary, 6, NULL);
	assert_null(row_named(summary, "open").slowest);
	add_timed(summary, 7, "/b");
	assert_string_equal(row_named(summary, "open").slowest, "/b");
	add_timed(summary, 8, "");
	assert_string_equal(row_named(summary, "open").slowest, "");
	fusetrace_summary_free(summary);
}

static void test_sums_do_not_wrap(void **state)
{
	struct fusetrace_summary *summary;
	struct fusetrace_summary_row row;

	assert_int_equal(fusetrace_summary_new(&summary), 0);
	add_timed(summary, UINT64_MAX - 1, "/a");
	add_timed(summary, 5, "/b");
	row = row_named(summary, "open");
	assert_true(row.total_ns == UINT64_MAX);
	assert_true(row.max_ns == UINT64_MAX - 1);
	fusetrace_summary_free(summary);
}

static void add_opcode(struct fusetrace_summary *summary, uint32_t opcode, uint32_t times)
{
	struct fusetrace_op op = {.opcode = (uint16_t)opcode};

	while (times-- > 0)
		assert_int_equal(fusetrace_summary_add(summary, &op), 0);
}

static void test_order(void **state)
{
	static const char *const first[] = {"read", "access", "write"};
	static const char *const second[] = {"write", "read", "access"};
	struct fusetrace_summary *summary;
	struct fusetrace_summary_row row;

	assert_int_equal(fusetrace_summary_new(&summary), 0);
	add_opcode(summary, FUSE_WRITE, 2);
	add_opcode(summary, FUSE_ACCESS, 2);
	add_opcode(summary, FUSE_READ, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(fusetrace_summary_get(summary, i, &row), 0);
		assert_string_equal(row.op, first[i]);
	}
	assert_int_equal(fusetrace_summary_get(summary, 3, &row), -ERANGE);
	add_opcode(summary, FUSE_WRITE, 2);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(fusetrace_summary_get(summary, i, &row), 0);
		assert_string_equal(row.op, second[i]);
	}
	fusetrace_summary_free(summary);
}

static void test_names_shared_and_unknown(void **state)
{
	struct fusetrace_summary *summary;

	assert_int_equal(fusetrace_summary_new(&summary), 0);
	add_opcode(summary, FUSE_RENAME2, 2);
	add_opcode(summary, FUSE_RENAME, 3);
	add_opcode(summary, FUSE_RENAME2, 1);
	add_opcode(summary, 53, 1);
	add_opcode(summary, FUSE_COPY_FILE_RANGE, 1);
	add_opcode(summary, 0, 1);
	add_opcode(summary, 2000, 2);
	add_opcode(summary, 62, 3);
	add_opcode(summary, 63, 4);
	add_opcode(summary, 4096, 5);
	add_opcode(summary, 63, 4);
	assert_int_equal(count_rows(summary), 7);
	assert_int_equal(row_named(summary, "rename").count, 6);
	assert_int_equal(row_named(summary, "copy_file_range").count, 2);
	assert_int_equal(row_named(summary, "opcode_0").count, 1);
	assert_int_equal(row_named(summary, "opcode_2000").count, 2);
	assert_int_equal(row_named(summary, "opcode_62").count, 3);
	assert_int_equal(row_named(summary, "opcode_63").count, 8);
	assert_int_equal(row_named(summary, "cuse_init").count, 5);
	fusetrace_summary_free(summary);
}

/* However many numbers a recording makes up, the rows are limited and nothing goes uncounted. */
static void test_all_opcodes(void **state)
{
	struct fusetrace_summary *summary;
	struct fusetrace_summary *merged;
	struct fusetrace_summary_row row;
	uint64_t total = 0;

	assert_int_equal(fusetrace_summary_new(&summary), 0);
	assert_int_equal(fusetrace_summary_new(&merged), 0);
	for (uint32_t opcode = 0; opcode <= UINT16_MAX; opcode++)
		add_opcode(summary, UINT16_MAX - opcode, 1);
	assert_in_range(count_rows(summary), 80, FT_SUMMARY_ROWS_MAX);
	add_opcode(merged, 1000, 1); /* one that has no row in the other */
	assert_int_equal(ft_summary_merge(merged, summary), 0);
	assert_in_range(count_rows(merged), 80, FT_SUMMARY_ROWS_MAX);
	for (size_t i = 0; fusetrace_summary_get(merged, i, &row) == 0; i++)
		total += row.count;
	assert_int_equal(total, UINT16_MAX + 2);
	assert_int_equal(row_named(merged, "opcode_1000").count, 1);
	assert_true(row_named(merged, "opcode_other").count > 65000);
	fusetrace_summary_free(summary);
	fusetrace_summary_free(merged);
}

/* ---- against counting by hand ---- */

struct expected_row {
	const char *op;
	uint64_t count;
	uint64_t failed;
	uint64_t probes;
	uint64_t total_ns;
	uint64_t bytes;
	const char *slowest;
	size_t n_durations;
	uint64_t durations[OPS];
};

struct expected {
	size_t n_rows;
	struct expected_row rows[NAMES];
};

static void expect_op(struct expected *expected, const struct fusetrace_op *op)
{
	const char *name = fusetrace_opcode_name(op->opcode);
	bool is_data = op->opcode == FUSE_READ || op->opcode == FUSE_WRITE;
	bool is_failed = op->status == FUSETRACE_STATUS_FAILED;
	bool is_probe = op->marks & FUSETRACE_OP_PROBE;
	struct expected_row *row = expected->rows;
	uint64_t max = 0;

	while (row < expected->rows + expected->n_rows && strcmp(row->op, name) != 0)
		row++;
	assert_true(row < expected->rows + NAMES);
	if (row == expected->rows + expected->n_rows) {
		expected->n_rows++;
		row->op = name;
	}
	row->count++;
	row->failed += is_failed && !is_probe;
	row->probes += is_probe;
	if (is_data && op->status == FUSETRACE_STATUS_COMPLETED)
		row->bytes += op->reply_size;
	if (!(op->present & FT_HAS(DURATION_NS)))
		return;
	for (size_t i = 0; i < row->n_durations; i++)
		max = row->durations[i] > max ? row->durations[i] : max;
	if (row->n_durations == 0 || op->duration_ns > max)
		row->slowest = op->present & FT_HAS(PATH) ? op->path->bytes : NULL;
	row->durations[row->n_durations++] = op->duration_ns;
	row->total_ns += op->duration_ns;
}

static int compare_numbers(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left;
	uint64_t b = *(const uint64_t *)right;

	return a < b ? -1 : a > b;
}

static void assert_percentile(const struct expected_row *row, uint64_t got, size_t per_mille)
{
	size_t rank = (row->n_durations * per_mille + 999) / 1000;
	uint64_t exact = row->n_durations ? row->durations[rank - 1] : 0;
	uint64_t difference = got > exact ? got - exact : exact - got;

	assert_true(difference * 100 <= exact * 3);
}

static void assert_expected(struct fusetrace_summary *summary, struct expected *expected)
{
	uint64_t before = UINT64_MAX;

	assert_int_equal(count_rows(summary), expected->n_rows);
	for (size_t i = 0; i < expected->n_rows; i++) {
		struct expected_row *wanted = &expected->rows[i];
		struct fusetrace_summary_row row = row_named(summary, wanted->op);
		size_t n = wanted->n_durations;

		assert_int_equal(row.count, wanted->count);
		assert_int_equal(row.failed, wanted->failed);
		assert_int_equal(row.probes, wanted->probes);
		assert_int_equal(row.timed, n);
		assert_int_equal(row.total_ns, wanted->total_ns);
		assert_int_equal(row.bytes, wanted->bytes);
		assert_int_equal(row.slowest == NULL, wanted->slowest == NULL);
		if (row.slowest)
			assert_string_equal(row.slowest, wanted->slowest);
		qsort(wanted->durations, n, sizeof(wanted->durations[0]), compare_numbers);
		assert_int_equal(row.max_ns, n ? wanted->durations[n - 1] : 0);
		assert_percentile(wanted, row.p50_ns, 500);
		assert_percentile(wanted, row.p95_ns, 950);
		assert_percentile(wanted, row.p99_ns, 990);
		assert_true(row.p99_ns <= row.max_ns);
	}
	for (size_t i = 0; i < expected->n_rows; i++) {
		struct fusetrace_summary_row row;

		assert_int_equal(fusetrace_summary_get(summary, i, &row), 0);
		assert_true(row.count <= before);
		before = row.count;
	}
}

static void random_op(uint64_t *seed, struct ft_name *const *paths, struct fusetrace_op *ret_op)
{
	static const uint16_t opcodes[] = {1, 3, 4, 12, 15, 16, 22, 45, 47, 53, 60, 70, 4096};

	*ret_op = (struct fusetrace_op){
		.opcode = opcodes[next_random(seed) % (sizeof(opcodes) / sizeof(opcodes[0]))],
		.status = (uint8_t)(FUSETRACE_STATUS_STARTED + next_random(seed) % 4),
		.duration_ns = next_random(seed) >> (24 + next_random(seed) % 40),
		.reply_size = next_random(seed) % 131072,
		.path = paths[next_random(seed) % 8],
		.present = FT_HAS(REPLY_SIZE) | (next_random(seed) % 4 ? FT_HAS(PATH) : 0) |
			   (next_random(seed) % 8 ? FT_HAS(DURATION_NS) : 0),
	};
	if (ret_op->status == FUSETRACE_STATUS_FAILED && next_random(seed) % 3 == 0)
		ret_op->marks = FUSETRACE_OP_PROBE;
}

static void test_random_against_counting(void **state)
{
	struct expected *expected = calloc(1, sizeof(*expected));
	struct ft_name *paths[8];
	struct fusetrace_summary *whole;
	struct fusetrace_summary *merged;
	struct fusetrace_summary parts[4];
	uint64_t seed = UINT64_C(0x13198a2e03707344);

	assert_non_null(expected);
	for (size_t i = 0; i < 8; i++) {
		char text[16];

		snprintf(text, sizeof(text), "/file%zu", i);
		paths[i] = new_name(text);
	}
	assert_int_equal(fusetrace_summary_new(&whole), 0);
	assert_int_equal(fusetrace_summary_new(&merged), 0);
	for (size_t i = 0; i < 4; i++)
		ft_summary_init(&parts[i]);
	for (size_t i = 0; i < OPS; i++) {
		struct fusetrace_op op;

		random_op(&seed, paths, &op);
		expect_op(expected, &op);
		assert_int_equal(fusetrace_summary_add(whole, &op), 0);
		assert_int_equal(ft_summary_add(&parts[i * 3 / OPS], &op), 0);
	}
	for (size_t i = 0; i < 4; i++) { /* the last one is empty */
		assert_int_equal(ft_summary_merge(merged, &parts[i]), 0);
		ft_summary_done(&parts[i]);
	}
	assert_expected(whole, expected);
	assert_expected(merged, expected);
	fusetrace_summary_free(whole);
	fusetrace_summary_free(merged);
	for (size_t i = 0; i < 8; i++)
		free(paths[i]);
	free(expected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_what_counts_as_failed),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_slowest),
		cmocka_unit_test(test_sums_do_not_wrap),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_names_shared_and_unknown),
		cmocka_unit_test(test_all_opcodes),
		cmocka_unit_test(test_random_against_counting),
	};

	alarm(DEADLINE_S);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
