/* SPDX-License-Identifier: MIT */
/*
 * Summaries: a row for each operation name with counts, a histogram of the durations and the path
 * of the slowest one. Which operations are added is the caller's business; how a table of rows is
 * printed is the command's.
 */
#include "summary.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/fuse.h>

#include "event.h"
#include "opcode.h"

/* A hostile recording can have 65,536 opcodes: of the high ones only so many get their own rows. */
#define HIGH_ROWS_MAX 32
#define HIGH_BIT 63 /* shared by all high opcodes: those that have no bit of their own */
#define OTHER_OPCODE UINT32_MAX

_Static_assert(HIGH_BIT + HIGH_ROWS_MAX + 1 <= FT_SUMMARY_ROWS_MAX, "each row has its place");

void ft_summary_init(struct fusetrace_summary *summary)
{
	memset(summary, 0, sizeof(*summary));
}

void ft_summary_done(struct fusetrace_summary *summary)
{
	if (!summary)
		return;
	for (uint32_t i = 0; i < summary->n_rows; i++) {
		free(summary->rows[i].slowest);
		free(summary->rows[i].durations);
	}
	free(summary->rows);
	ft_summary_init(summary);
}

/* ---- rows ---- */

static struct ft_summary_row *append_row(struct fusetrace_summary *summary, uint32_t opcode,
					 const char *name)
{
	struct ft_summary_row *row;

	if (summary->n_rows == summary->rows_capacity) {
		uint32_t capacity = summary->rows_capacity > 0 ? 2 * summary->rows_capacity : 16;
		void *rows = realloc(summary->rows, capacity * sizeof(*summary->rows));

		if (!rows)
			return NULL;
		summary->rows = rows;
		summary->rows_capacity = capacity;
	}
	row = &summary->rows[summary->n_rows++];
	*row = (struct ft_summary_row){.op = name, .opcode = opcode};
	summary->is_sorted = false;
	return row;
}

/* Two opcodes of one name, such as RENAME and RENAME2, share a row. */
static struct ft_summary_row *low_row(struct fusetrace_summary *summary, uint32_t opcode,
				      uint32_t bit)
{
	const char *name = fusetrace_opcode_name(opcode);
	struct ft_summary_row *row = NULL;

	for (uint32_t i = 0; i < summary->n_rows && !row; i++) {
		if (strcmp(summary->rows[i].op, name) == 0)
			row = &summary->rows[i];
	}
	if (!row)
		row = append_row(summary, opcode, name);
	if (row)
		summary->row_of_bit[bit] = (uint8_t)(row - summary->rows + 1);
	return row;
}

static bool is_high(uint32_t opcode)
{
	return ft_opcode_bit(opcode) == UINT64_C(1) << HIGH_BIT;
}

static struct ft_summary_row *high_row(struct fusetrace_summary *summary, uint32_t opcode)
{
	struct ft_summary_row *other = NULL;
	uint32_t high_rows = 0;

	for (uint32_t i = 0; i < summary->n_rows; i++) {
		struct ft_summary_row *row = &summary->rows[i];

		if (row->opcode == opcode)
			return row;
		if (row->opcode == OTHER_OPCODE)
			other = row;
		else
			high_rows += is_high(row->opcode);
	}
	if (opcode != OTHER_OPCODE && high_rows < HIGH_ROWS_MAX)
		return append_row(summary, opcode, fusetrace_opcode_name(opcode));
	return other ? other : append_row(summary, OTHER_OPCODE, "opcode_other");
}

/* NULL: no memory. Valid until the next row is made. */
static struct ft_summary_row *row_of(struct fusetrace_summary *summary, uint32_t opcode)
{
	uint32_t bit = (uint32_t)__builtin_ctzll(ft_opcode_bit(opcode));

	if (bit == HIGH_BIT)
		return high_row(summary, opcode);
	if (summary->row_of_bit[bit] > 0)
		return &summary->rows[summary->row_of_bit[bit] - 1];
	return low_row(summary, opcode, bit);
}

/* ---- adding ---- */

/* Makes room for a path of length bytes, so that taking it cannot fail. */
static int prepare_slowest(struct ft_summary_row *row, size_t length)
{
	char *larger;

	if (length < row->slowest_size)
		return 0;
	larger = realloc(row->slowest, length + 1);
	if (!larger)
		return -ENOMEM;
	row->slowest = larger;
	row->slowest_size = length + 1;
	return 0;
}

static int prepare_durations(struct ft_summary_row *row)
{
	if (!row->durations)
		row->durations = calloc(1, sizeof(*row->durations));
	return row->durations ? 0 : -ENOMEM;
}

static void take_slowest(struct ft_summary_row *row, uint64_t duration_ns, struct ft_bytes path)
{
	row->max_ns = duration_ns;
	row->has_slowest = path.data != NULL;
	if (!path.data)
		return;
	memcpy(row->slowest, path.data, path.length);
	row->slowest[path.length] = '\0';
}

/* Times of a hostile recording may have no sum. */
static uint64_t add_saturated(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static bool is_slower(const struct ft_summary_row *row, uint64_t duration_ns)
{
	return row->timed == 0 || duration_ns > row->max_ns;
}

static int add_duration(struct ft_summary_row *row, const struct fusetrace_op *op)
{
	struct ft_bytes path = ft_name_bytes(op->path);
	bool is_slowest = is_slower(row, op->duration_ns);
	int r;

	if (!(op->present & FT_HAS(DURATION_NS)))
		return 0;
	if (!(op->present & FT_HAS(PATH)))
		path = (struct ft_bytes){NULL, 0};
	r = prepare_durations(row);
	if (r == 0 && is_slowest)
		r = prepare_slowest(row, path.length);
	if (r)
		return r;

	if (is_slowest)
		take_slowest(row, op->duration_ns, path);
	ft_histogram_add(row->durations, op->duration_ns);
	row->total_ns = add_saturated(row->total_ns, op->duration_ns);
	row->timed++;
	return 0;
}

/* Of a write whose reply does not tell, what was asked for. */
static uint64_t bytes_moved(const struct fusetrace_op *op)
{
	if (op->status != FUSETRACE_STATUS_COMPLETED)
		return 0;
	if (op->opcode != FUSE_READ && op->opcode != FUSE_WRITE)
		return 0;
	if (op->present & FT_HAS(REPLY_SIZE))
		return op->reply_size;
	return op->opcode == FUSE_WRITE && (op->present & FT_HAS(SIZE)) ? op->size : 0;
}

int ft_summary_add(struct fusetrace_summary *summary, const struct fusetrace_op *op)
{
	struct ft_summary_row *row = row_of(summary, op->opcode);
	int r;

	if (!row)
		return -ENOMEM;
	r = add_duration(row, op);
	if (r)
		return r;

	row->count++;
	if (op->marks & FUSETRACE_OP_PROBE)
		row->probes++;
	else if (op->status == FUSETRACE_STATUS_FAILED)
		row->failed++;
	row->bytes = add_saturated(row->bytes, bytes_moved(op));
	summary->is_sorted = false;
	return 0;
}

static int merge_row(struct ft_summary_row *dst, const struct ft_summary_row *src)
{
	struct ft_bytes path = ft_bytes_of(src->has_slowest ? src->slowest : NULL);
	bool is_slowest = src->timed > 0 && is_slower(dst, src->max_ns);
	int r = 0;

	if (src->durations)
		r = prepare_durations(dst);
	if (r == 0 && is_slowest)
		r = prepare_slowest(dst, path.length);
	if (r)
		return r;

	if (is_slowest)
		take_slowest(dst, src->max_ns, path);
	if (src->durations)
		ft_histogram_merge(dst->durations, src->durations);
	dst->count += src->count;
	dst->failed += src->failed;
	dst->probes += src->probes;
	dst->timed += src->timed;
	dst->total_ns = add_saturated(dst->total_ns, src->total_ns);
	dst->bytes = add_saturated(dst->bytes, src->bytes);
	return 0;
}

int ft_summary_merge(struct fusetrace_summary *dst, const struct fusetrace_summary *src)
{
	for (uint32_t i = 0; i < src->n_rows; i++) {
		struct ft_summary_row *row = row_of(dst, src->rows[i].opcode);
		int r = row ? merge_row(row, &src->rows[i]) : -ENOMEM;

		if (r)
			return r;
		dst->is_sorted = false;
	}
	return 0;
}

/* ---- the public object ---- */

int fusetrace_summary_new(struct fusetrace_summary **ret_summary)
{
	struct fusetrace_summary *summary;

	if (!ret_summary)
		return -EINVAL;
	summary = malloc(sizeof(*summary));
	if (!summary)
		return -ENOMEM;
	ft_summary_init(summary);
	*ret_summary = summary;
	return 0;
}

struct fusetrace_summary *fusetrace_summary_free(struct fusetrace_summary *summary)
{
	ft_summary_done(summary);
	free(summary);
	return NULL;
}

int fusetrace_summary_add(struct fusetrace_summary *summary, const struct fusetrace_op *op)
{
	return summary && op ? ft_summary_add(summary, op) : -EINVAL;
}

/* Most frequent first, the alphabet decides among equals. */
static int compare_rows(const void *left, const void *right, void *rows)
{
	const struct ft_summary_row *a =
		(const struct ft_summary_row *)rows + *(const uint8_t *)left;
	const struct ft_summary_row *b =
		(const struct ft_summary_row *)rows + *(const uint8_t *)right;

	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return strcmp(a->op, b->op);
}

static void sort_rows(struct fusetrace_summary *summary)
{
	if (summary->is_sorted)
		return;
	for (uint32_t i = 0; i < summary->n_rows; i++)
		summary->order[i] = (uint8_t)i;
	qsort_r(summary->order, summary->n_rows, sizeof(summary->order[0]), compare_rows,
		summary->rows);
	summary->is_sorted = true;
}

int fusetrace_summary_get(struct fusetrace_summary *summary, size_t index,
			  struct fusetrace_summary_row *ret_row)
{
	static const struct ft_histogram none;
	const struct ft_summary_row *row;
	const struct ft_histogram *durations;

	if (!summary || !ret_row)
		return -EINVAL;
	if (index >= summary->n_rows)
		return -ERANGE;

	sort_rows(summary);
	row = &summary->rows[summary->order[index]];
	durations = row->durations ? row->durations : &none;
	*ret_row = (struct fusetrace_summary_row){
		.op = row->op,
		.slowest = row->has_slowest ? row->slowest : NULL,
		.count = row->count,
		.failed = row->failed,
		.probes = row->probes,
		.timed = row->timed,
		.total_ns = row->total_ns,
		.p50_ns = ft_histogram_percentile(durations, 500),
		.p95_ns = ft_histogram_percentile(durations, 950),
		.p99_ns = ft_histogram_percentile(durations, 990),
		.max_ns = row->max_ns,
		.bytes = row->bytes,
	};
	return 0;
}
