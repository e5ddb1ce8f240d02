/* SPDX-License-Identifier: MIT */
/* See prefix.h. */
#include "prefix.h"

#include "base/json_scan.h"

/* Beginnings at least that long are found in the middle of a word, too. */
#define TORN_LENGTH_MIN 8
#define SECOND_NS UINT64_C(1000000000)

static inline uint16_t pair_at(const char *text)
{
	return (uint16_t)((unsigned char)text[0] << 8 | (unsigned char)text[1]);
}

/* At a glance: whether one of them may stand there. */
static inline bool may_begin(const struct ft_begins *begins, const char *text)
{
	uint16_t pair = pair_at(text);

	return begins->is_pair[pair / 64] >> pair % 64 & 1;
}

void ft_begins_init(struct ft_begins *begins, const struct ft_format *const *formats)
{
	*begins = (struct ft_begins){.count = 0};
	for (size_t i = 0; formats[i]; i++) {
		for (const char *const *text = formats[i]->begins; text && *text; text++) {
			if (begins->count == FT_BEGINS_MAX)
				return;
			begins->texts[begins->count] = *text;
			begins->lengths[begins->count] = strlen(*text);
			begins->pairs[begins->count] = pair_at(*text);
			begins->is_pair[pair_at(*text) / 64] |= UINT64_C(1) << pair_at(*text) % 64;
			begins->count++;
		}
	}
}

/* ---- is it a prefix? ---- */

static bool is_level(struct ft_bytes word)
{
	static const char levels[][8] = {"TRACE", "DEBUG", "INFO",    "NOTICE", "WARN", "WARNING",
					 "ERROR", "FATAL", "VERBOSE", "CRIT",   "INF",  "DBG"};

	if (word.length == 0 || word.length >= sizeof(levels[0]))
		return false;
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (levels[i][word.length] == '\0' &&
		    (word.data[0] | 0x20) == (levels[i][0] | 0x20) &&
		    strncasecmp(word.data, levels[i], word.length) == 0)
			return true;
	}
	return false;
}

static bool is_number(struct ft_bytes word)
{
	struct ft_scan scan = ft_scan_of(word);
	uint64_t number;

	return ft_scan_u64(&scan, &number) && ft_scan_is_end(&scan);
}

/* A module, function or file: main.runMount.func2, fuser::request, mount/mount.go:81. */
static bool is_place(struct ft_bytes word)
{
	bool has_sign = false;

	for (size_t i = 0; i < word.length; i++) {
		char c = word.data[i];

		if (c == '.' || c == ':')
			has_sign = true;
		else if (!ft_is_word_char(c) && c != '/' && c != '-' && c != '*' && c != '(' &&
			 c != ')')
			return false;
	}
	return has_sign;
}

/* What was seen of a prefix so far. */
struct prefix {
	struct ft_time time;
	bool has_level;
};

/* "[... DEBUG fuser]": a module of one word, which stands behind the level. */
static bool is_module(const struct prefix *prefix, struct ft_bytes word,
		      const struct ft_scan *behind)
{
	for (size_t i = 0; i < word.length; i++) {
		if (!ft_is_word_char(word.data[i]))
			return false;
	}
	return prefix->has_level && !ft_scan_is_end(behind) && *behind->at == ']';
}

/* Takes one thing that a logger prints; false: words of somebody else. */
static bool take_part(struct ft_scan *scan, struct prefix *prefix)
{
	struct ft_time found;
	struct ft_bytes word;
	const char *begin;

	if (ft_scan_char(scan, '[') || ft_scan_char(scan, ']') || ft_scan_char(scan, ':'))
		return true;
	if (ft_scan_time(scan, &found) || ft_scan_uptime(scan, &found)) {
		prefix->time = found;
		return true;
	}
	begin = scan->at;
	while (!ft_scan_is_end(scan) && *scan->at != ' ' && *scan->at != '\t' && *scan->at != ']')
		scan->at++;
	word = (struct ft_bytes){begin, (size_t)(scan->at - begin)};
	prefix->has_level |= is_level(word);
	return word.length > 0 && (is_level(word) || is_number(word) || is_place(word) ||
				   is_module(prefix, word, scan));
}

/* Whether all of it is what loggers print; the last time in it. */
static bool is_prefix(struct ft_bytes text, struct ft_time *ret_time)
{
	struct prefix prefix = {.time.clock = FT_CLOCK_NONE};
	struct ft_scan scan = ft_scan_of(text);
	bool is_whole = true;

	while (is_whole && !ft_scan_is_end(&scan)) {
		if (*scan.at == ' ' || *scan.at == '\t')
			scan.at++;
		else
			is_whole = take_part(&scan, &prefix);
	}
	*ret_time = prefix.time;
	return is_whole;
}

/* ---- where a record begins ---- */

/* Whether one of them, of so many bytes or more, stands here; there are two bytes. */
static bool begins_here(const struct ft_begins *begins, struct ft_bytes whole, size_t at,
			size_t length_min)
{
	uint16_t pair = pair_at(whole.data + at);
	size_t left = whole.length - at;

	for (size_t i = 0; i < begins->count; i++) {
		if (begins->pairs[i] == pair && begins->lengths[i] <= left &&
		    begins->lengths[i] >= length_min &&
		    memcmp(whole.data + at, begins->texts[i], begins->lengths[i]) == 0)
			return true;
	}
	return false;
}

static bool is_border(char before)
{
	return before == ' ' || before == '\t' || before == ']' || before == ':';
}

bool ft_prefix_next(const struct ft_begins *begins, struct ft_bytes whole, size_t *at,
		    struct ft_line *ret_line)
{
	struct ft_time time;

	for (size_t i = *at; i + 1 < whole.length && i < FT_PREFIX_LENGTH_MAX; i++) {
		/* names begin here, or a colour, which is taken out first */
		if (whole.data[i - 1] == '"' || whole.data[i - 1] == '\033')
			return false;
		if (!is_border(whole.data[i - 1]) || !may_begin(begins, whole.data + i) ||
		    !begins_here(begins, whole, i, 0))
			continue;
		*at = i + 1;
		ret_line->text = (struct ft_bytes){whole.data + i, whole.length - i};
		ret_line->is_suspect = !is_prefix((struct ft_bytes){whole.data, i}, &time);
		if (time.clock != FT_CLOCK_NONE) /* or it stood in the envelope */
			ret_line->time = time;
		return true;
	}
	return false;
}

bool ft_prefix_at(const struct ft_begins *begins, struct ft_bytes whole, size_t at,
		  struct ft_line *ret_line)
{
	struct ft_time time;

	if (at == 0 || at + 1 >= whole.length || !is_border(whole.data[at - 1]) ||
	    !may_begin(begins, whole.data + at) || !begins_here(begins, whole, at, 0) ||
	    !is_prefix((struct ft_bytes){whole.data, at}, &time))
		return false;
	ret_line->text = (struct ft_bytes){whole.data + at, whole.length - at};
	if (time.clock != FT_CLOCK_NONE)
		ret_line->time = time;
	return true;
}

bool ft_prefix_torn(const struct ft_begins *begins, struct ft_bytes whole, size_t *at,
		    struct ft_line *ret_line)
{
	for (size_t i = *at; i + TORN_LENGTH_MIN <= whole.length; i++) {
		if (!may_begin(begins, whole.data + i) ||
		    !begins_here(begins, whole, i, TORN_LENGTH_MIN))
			continue;
		*at = i + 1;
		ret_line->text = (struct ft_bytes){whole.data + i, whole.length - i};
		ret_line->time = (struct ft_time){.clock = FT_CLOCK_NONE};
		ret_line->is_suspect = true;
		return true;
	}
	return false;
}

/* ---- colours ---- */

size_t ft_prefix_uncolour(struct ft_bytes text, char *out)
{
	const char *end = text.data + text.length;
	const char *from = text.data;
	const char *escape;
	char *at = out;

	while ((escape = memchr(from, '\033', (size_t)(end - from)))) {
		const char *behind = escape + 1;

		if (behind < end && *behind == '[') {
			behind++;
			while (behind < end &&
			       ((unsigned char)(*behind - '0') <= 9 || *behind == ';'))
				behind++;
		}
		if (behind == end || *behind != 'm')
			behind = escape; /* no colour: it stays */
		else
			behind++;
		at = mempcpy(at, from, (size_t)(escape - from));
		if (behind == escape)
			*at++ = *behind++;
		from = behind;
	}
	if (from == text.data)
		return 0;
	at = mempcpy(at, from, (size_t)(end - from));
	return (size_t)(at - out);
}

/* ---- envelopes ---- */

static bool is_one_of(struct ft_bytes key, const char *const *names)
{
	for (; *names; names++) {
		if (ft_bytes_equal(key, ft_bytes_of(*names)))
			return true;
	}
	return false;
}

static const char *const message_keys[] = {"msg", "message", "MESSAGE", "log", NULL};
static const char *const time_keys[] = {"time", "timestamp", "ts", "@timestamp", NULL};

static void take_time(struct ft_bytes text, struct ft_time *time)
{
	struct ft_scan scan = ft_scan_of(text);
	struct ft_time found;

	if (ft_scan_time(&scan, &found))
		*time = found;
}

/* {"seconds":1754207548,"nanos":733110719}, of gcsfuse and what else logs for Google's cloud */
static void take_seconds(struct ft_bytes object, struct ft_time *time)
{
	struct ft_scan scan = ft_scan_of(object);
	struct ft_json_member member;
	uint64_t seconds = 0, nanoseconds = 0;

	if (!ft_json_scan_open(&scan))
		return;
	while (ft_json_scan_next(&scan, &member) == 1) {
		struct ft_scan value = ft_scan_of(member.value);

		if (ft_bytes_equal(member.key, FT_BYTES_LITERAL("seconds")))
			ft_scan_u64(&value, &seconds);
		else if (ft_bytes_equal(member.key, FT_BYTES_LITERAL("nanos")))
			ft_scan_u64(&value, &nanoseconds);
	}
	if (seconds == 0 || seconds >= UINT64_MAX / SECOND_NS || nanoseconds >= SECOND_NS)
		return;
	*time = (struct ft_time){
		.ns = seconds * SECOND_NS + nanoseconds,
		.clock = FT_CLOCK_UTC,
		.tick_ns = 1,
	};
}

static bool take_json_message(struct ft_bytes text, char *scratch, struct ft_bytes *ret_message)
{
	struct ft_scan scan = ft_scan_of(text);
	struct ft_json_member member;

	if (!ft_json_scan_open(&scan))
		return false;
	while (ft_json_scan_next(&scan, &member) == 1) {
		if (member.kind == '"' && is_one_of(member.key, message_keys))
			return ft_json_scan_text(member.value, scratch, ret_message);
	}
	return false;
}

static bool take_json(struct ft_bytes text, char *scratch, struct ft_line *line)
{
	struct ft_scan scan = ft_scan_of(text);
	struct ft_json_member member;
	bool has_message = false;

	if (!ft_json_scan_open(&scan))
		return false;
	while (ft_json_scan_next(&scan, &member) == 1) {
		/* tracing's JSON has the message one level deeper */
		if (member.kind == '{' && ft_bytes_equal(member.key, FT_BYTES_LITERAL("fields")))
			has_message |= take_json_message(member.value, scratch, &line->text);
		else if (member.kind == '{' && is_one_of(member.key, time_keys))
			take_seconds(member.value, &line->time);
		if (member.kind != '"')
			continue;
		if (is_one_of(member.key, message_keys))
			has_message = ft_json_scan_text(member.value, scratch, &line->text);
		else if (is_one_of(member.key, time_keys))
			take_time(member.value, &line->time);
	}
	return has_message;
}

/* time="..." severity=TRACE message="..." */
static bool take_pairs(struct ft_bytes text, char *scratch, struct ft_line *line)
{
	struct ft_scan scan = ft_scan_of(text);
	bool has_message = false;
	struct ft_bytes key, value;

	while (ft_scan_word(&scan, &key) && ft_scan_char(&scan, '=')) {
		char *out = has_message ? scratch + line->text.length : scratch;

		if (!ft_scan_quoted(&scan, out, &value)) {
			const char *begin = scan.at;

			while (!ft_scan_is_end(&scan) && *scan.at != ' ')
				scan.at++;
			value = (struct ft_bytes){begin, (size_t)(scan.at - begin)};
		}
		if (is_one_of(key, message_keys)) {
			line->text = value;
			has_message = true;
		} else if (is_one_of(key, time_keys)) {
			take_time(value, &line->time);
		}
		ft_scan_chars(&scan, ' ');
	}
	return has_message;
}

bool ft_prefix_envelope(struct ft_bytes text, char *scratch, struct ft_line *ret_line)
{
	struct ft_line line = {.text = {NULL, 0}};

	if (text.length < 2)
		return false;
	if (text.data[0] == '{' ? !take_json(text, scratch, &line)
				: !take_pairs(text, scratch, &line))
		return false;
	ret_line->text = line.text;
	ret_line->time = line.time;
	ret_line->is_suspect = false;
	return true;
}
