/* SPDX-License-Identifier: MIT */
/*
 * What the forms of Rust's tracing-subscriber share. Each form (tracing_text.c, tracing_pretty.c,
 * tracing_json.c) reads its lines into records; here records become operations: spans are matched
 * (tracing.c) and their fields understood (tracing_fields.c, tracing_result.c).
 *
 * A span is an operation if the last part of its name is one ("fuse::lookup") and, where that is a
 * usual word, what stands beside it speaks of files; one inside it is the filesystem's own work.
 */
#ifndef FT_FORMATS_TRACING_H
#define FT_FORMATS_TRACING_H

#include "format.h"

#define FT_TRACING_FIELDS_MAX 32
/* Spans in flight; beyond that the oldest is let go as unknown. */
#define FT_TRACING_OPEN_MAX 256

enum ft_tracing_kind {
	FT_TRACING_MESSAGE, /* of the program, inside a span */
	FT_TRACING_NEW,
	FT_TRACING_ENTER,
	FT_TRACING_EXIT,
	FT_TRACING_CLOSE,
};

struct ft_tracing_field {
	struct ft_bytes key;
	struct ft_bytes value; /* decoded */
};

struct ft_tracing_record {
	enum ft_tracing_kind kind;
	uint32_t opcode;
	bool has_span;  /* of an operation; opcode is its */
	bool is_inner;  /* the record is of a span inside the operation's */
	bool is_flat;   /* fields of all spans and of the event in one list */
	bool has_outer; /* there are spans around the operation's */
	bool is_cut;    /* its last field may go on in a line that is not read with it */
	bool is_map;    /* a field recorded again replaces the one before */
	bool is_suspect;
	uint64_t thread;      /* a hash of its id or name; 0: not told */
	uint64_t duration_ns; /* of a close; 0: not told */
	size_t count;         /* fields of the operation's span */
	size_t own_count;     /* the event's own, without message */
	struct ft_bytes name; /* of the operation's span */
	struct ft_bytes message;
	struct ft_tracing_field fields[FT_TRACING_FIELDS_MAX];
	struct ft_tracing_field own[FT_TRACING_FIELDS_MAX];
};

/* All but the fields, which are written before they are counted. */
void ft_tracing_record_init(struct ft_tracing_record *record);

/* ---- spans in flight ---- */

/* A field by its hash: of the key in the upper half, of the value in the lower one. */
struct ft_tracing_span {
	uint64_t key; /* of the events; grows with each span */
	uint64_t thread;
	struct ft_time exit_time; /* has_exited: it ends then unless a close tells another time */
	uint32_t opcode;
	uint32_t count;
	uint32_t score;  /* of the last search; 0: does not fit */
	uint64_t entry;  /* told late; 0: not told */
	int32_t error;   /* has_result */
	bool has_result; /* ... told before the end */
	bool is_failure; /* ... that it failed, but not how */
	bool is_entered;
	bool has_exited;
	bool is_by_message; /* neither its new nor its enter was seen */
	bool is_over;       /* for us; see tracing.c */
	bool is_suspect;
	bool has_reply_size;
	uint64_t reply_size;
	uint64_t fields[FT_TRACING_FIELDS_MAX];
};

/* A name's opcode; daemons have few names, which are looked up for each line. */
struct ft_tracing_name {
	char text[32];
	uint8_t length;
	bool is_known; /* as an operation */
	uint32_t opcode;
};

#define FT_TRACING_NAMES 64

/* The keys of a span's fields when it is new. */
struct ft_tracing_shape {
	uint32_t name; /* a hash */
	uint32_t count;
	uint32_t keys[FT_TRACING_FIELDS_MAX];
};

#define FT_TRACING_SHAPES 64

struct ft_tracing {
	struct ft_tracing_name names[FT_TRACING_NAMES];
	struct ft_tracing_shape shapes[FT_TRACING_SHAPES];
	uint64_t last_key;
	bool is_endless;    /* no ends are told */
	uint64_t newest_ns; /* latest time of the records */
	uint32_t odd_times; /* records one after the other whose times are not of the stream */
	uint32_t clock;     /* FT_CLOCK_ of the first record, plus one; 0: none seen */
	uint32_t seen;      /* bits of the FT_TRACING_ kinds that the stream has had */
	size_t over_count;
	size_t count; /* those that are over among them */
	struct ft_tracing_span spans[FT_TRACING_OPEN_MAX];
};

/* Bits of `seen`. */
#define FT_TRACING_BIT(kind) (1u << FT_TRACING_##kind)
#define FT_TRACING_BEGINS (FT_TRACING_BIT(NEW) | FT_TRACING_BIT(ENTER))
#define FT_TRACING_ENDS (FT_TRACING_BIT(EXIT) | FT_TRACING_BIT(CLOSE))

void ft_tracing_take(struct ft_tracing *tracing, const struct ft_line *line,
		     struct ft_tracing_record *record, struct ft_sink *sink);
/* Whether the record may be of a span in flight. */
bool ft_tracing_is_in_flight(const struct ft_tracing *tracing,
			     const struct ft_tracing_record *record);
/* Whether the time is not one that the stream can have printed by now: it stood in a name. */
bool ft_tracing_is_out_of_time(const struct ft_tracing *tracing, const struct ft_time *time);
/* To be called by the forms' flush. */
void ft_tracing_flush(struct ft_tracing *tracing, struct ft_sink *sink);

/* ---- which span a record is of ---- */

uint32_t ft_tracing_hash_text(struct ft_bytes text);
/* Hashes of the record's fields, as spans have them. */
void ft_tracing_hash(const struct ft_tracing_record *record, uint64_t *hashes);
/* Whether the record may be of the span, as to its fields. */
bool ft_tracing_fits(const struct ft_tracing_span *span, const struct ft_tracing_record *record,
		     const uint64_t *hashes);
/* The span in flight that fits best; `score` of all others that fit tells how well they do. */
struct ft_tracing_span *ft_tracing_find(struct ft_tracing *tracing,
					const struct ft_tracing_record *record,
					const uint64_t *hashes);

/* Of a new span: whether some of its fields may be part of a name. */
bool ft_tracing_has_odd_fields(struct ft_tracing *tracing, const struct ft_tracing_record *record,
			       const uint64_t *hashes);

/* The opcode of a span's name, by its last part. */
bool ft_tracing_opcode(struct ft_tracing *tracing, struct ft_bytes name, uint32_t *ret_opcode);
/* Adds a field if there is room for it; false: there is none, the record is suspect. */
bool ft_tracing_add(struct ft_tracing_record *record, struct ft_bytes key, struct ft_bytes value);
bool ft_tracing_add_own(struct ft_tracing_record *record, struct ft_bytes key,
			struct ft_bytes value);

/* ---- fields ---- */

/* What the fields of a span tell of a request; names point to where the fields do. */
void ft_tracing_describe(const struct ft_tracing_record *record, struct ft_event *event);

/* Whether a span that is called like an operation is one, as its fields and the rest of its name say. */
bool ft_tracing_is_operation(const struct ft_tracing_record *record);
/* Whether the field's value is a name or a path. */
bool ft_tracing_is_name(struct ft_bytes key);

/* What stands in Some(..), Err(..), FileHandle(..), the innermost if they are nested. */
struct ft_bytes ft_tracing_unwrapped(struct ft_bytes value);
/* 420, 0o644, 0x1a4, Some(420); with is_octal 0644, too. */
bool ft_tracing_number(struct ft_bytes value, bool is_octal, uint64_t *ret_number);

/* ---- results ---- */

struct ft_tracing_result {
	bool is_told;
	bool is_failure; /* it failed; error 0: how is not known */
	int32_t error;
	bool has_reply_size;
	uint64_t reply_size;
};

/* What the record tells of the operation's result; adds to *result. */
void ft_tracing_find_result(const struct ft_tracing_record *record,
			    struct ft_tracing_result *result);

/* ---- text ---- */

typedef bool ft_tracing_add_fn(struct ft_tracing_record *record, struct ft_bytes key,
			       struct ft_bytes value);

/* Where decoded values go; moves on behind each. */
struct ft_tracing_scratch {
	char *at;
};

/*
 * Takes `key=value key="value"` up to the end of scan or, with limit, up to the brace that closes
 * the span's fields, which is taken too: the one before limit, or one behind which another span
 * begins; limit NULL means the first one that may be it. Values without quotes go up to a blank
 * behind which a key follows: what they hold themselves cannot be told from it. add NULL: skips them.
 * false: no brace closes them.
 */
struct ft_tracing_fields {
	ft_tracing_add_fn *add;
	const char *limit;
	bool is_braced;
};
bool ft_tracing_scan_fields(struct ft_scan *scan, const struct ft_tracing_fields *how,
			    struct ft_tracing_scratch *scratch, struct ft_tracing_record *record);

/* "ThreadId(01)" or a name as a number; never 0. */
uint64_t ft_tracing_thread(struct ft_bytes name);

/* Time and level, one of which may be missing, and the blanks behind them. */
bool ft_tracing_scan_head(struct ft_scan *scan, struct ft_time *ret_time);

/* A span's or target's: letters, digits, '_', '-', '.' and "::"; may be empty. */
struct ft_bytes ft_tracing_scan_name(struct ft_scan *scan);

/* new, enter, exit or close: true if that is all of the message. */
bool ft_tracing_kind_of(struct ft_bytes message, enum ft_tracing_kind *ret_kind);
/* The sum of two durations, "2.17ms" and "28.6us". */
bool ft_tracing_durations(struct ft_bytes busy, struct ft_bytes idle, uint64_t *ret_sum_ns);

/* ---- records over several lines ---- */

struct ft_tracing_lines {
	char *bytes;
	size_t size;
	size_t room;
	uint32_t count;
	bool has_cr;      /* the last one's end was "\r\n" */
	bool is_coloured; /* set by its owner: colours are taken out */
};

/* 0 or -ENOMEM. */
int ft_tracing_lines_add(struct ft_tracing_lines *lines, const struct ft_line *line);
/* With newlines between them. Valid until the next call, as is the room for what is decoded. */
struct ft_bytes ft_tracing_lines_text(const struct ft_tracing_lines *lines);
char *ft_tracing_lines_scratch(const struct ft_tracing_lines *lines);
void ft_tracing_lines_clear(struct ft_tracing_lines *lines);
void ft_tracing_lines_done(struct ft_tracing_lines *lines);

#endif
