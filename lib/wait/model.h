/* SPDX-License-Identifier: MIT */
/*
 * What the rules of waiting (docs/waiting.md) say, written down a second time and as simply as
 * possible: every choice is tried, nothing is remembered from one look to the next. model_test.c
 * compares the library with it. Not part of the library.
 */
#ifndef FT_MODEL_H
#define FT_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include <fusetrace/fusetrace.h>

#define FT_MODEL_ITEMS 14
#define FT_MODEL_SLOTS 5
#define FT_MODEL_NONE 100u /* an order: none of them may happen */

#define FT_MODEL_NEVER (FT_MODEL_ITEMS + 1)

/* An operation of a stream; begin and end are the items that tell of it. */
struct ft_model_op {
	uint32_t name; /* index of ft_model_names */
	uint32_t path; /* index of ft_model_paths */
	int begin;     /* -1: when it began is not known */
	int end;       /* FT_MODEL_NEVER: it is in flight for ever */
	uint32_t status;
	int32_t error;
	bool is_probe;
	bool passes_check;
	bool is_readahead; /* a read of the kernel's own: its pid is 0 */
};
extern const char *const ft_model_names[7];
extern const char *const ft_model_paths[3];
#define FT_MODEL_NAMES_MEANT 4u /* the rest of the names are those of rule 13 */
#define FT_MODEL_FORGET 5u
#define FT_MODEL_READ 6u
#define FT_MODEL_ANY_NAME 7u
#define FT_MODEL_GLOB_A 3u /* the pattern "a": /a and /d/a */
#define FT_MODEL_ANY_PATH 4u

struct ft_model_match {
	uint32_t name;
	uint32_t path;
	uint32_t status; /* FUSETRACE_MATCH_ */
	int32_t error;
	uint32_t flags;
	bool has_check;
};

struct ft_model_wait {
	struct ft_model_match matches[FT_MODEL_SLOTS];
	int slots;
	uint32_t order; /* FUSETRACE_ORDER_ or FT_MODEL_NONE */
	int mark;       /* the items from this one on are behind it */
};

struct ft_model_stream {
	enum {
		FT_MODEL_BEGIN,
		FT_MODEL_END,
		FT_MODEL_LOST,
		FT_MODEL_UNMOUNTED,
		FT_MODEL_GONE
	} kinds[FT_MODEL_ITEMS];
	int of_item[FT_MODEL_ITEMS]; /* the operation that begins or ends */
	int items;
	struct ft_model_op ops[FT_MODEL_ITEMS];
	int count;
};

/* Answers, as bits: where the rules leave a choice there are several. */
#define FT_MODEL_OK (1u << 0)
#define FT_MODEL_NOT_YET (1u << 1)
#define FT_MODEL_FAILED (1u << 2)
#define FT_MODEL_ORDER (1u << 3)
#define FT_MODEL_SEEN (1u << 4)
#define FT_MODEL_EVENTS_LOST (1u << 5)
#define FT_MODEL_DAEMON_GONE (1u << 6)
#define FT_MODEL_NO_MOUNT (1u << 7)

/*
 * What a wait that looks when `until` items have come may say, and which verdicts are true then, as
 * bits 1 << FUSETRACE_VERDICT_. A wait that has failed before is not asked again.
 */
uint32_t ft_model_answers(const struct ft_model_stream *stream, const struct ft_model_wait *wait,
			  int until);
uint32_t ft_model_verdicts(const struct ft_model_stream *stream, const struct ft_model_wait *wait,
			   int until);
int ft_model_count(const struct ft_model_stream *stream, const struct ft_model_wait *wait,
		   int until);
/* Whether the operation may answer the match. */
bool ft_model_fits(const struct ft_model_wait *wait, int slot, const struct ft_model_op *op);

#endif
