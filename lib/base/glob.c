/* SPDX-License-Identifier: MIT */
/*
 * Matching path patterns by going forward and, on a mismatch, back to the last star only. Two such
 * places are enough: once a later star is reached, another choice at an earlier one of its kind
 * could only reach it further right, and where a component's star ends is fixed by the next slash,
 * so that only a double star can take another turn over components.
 */
#include "glob.h"

#include <stdint.h>

#include "text.h"

/* Code points end before this; a byte that is no character stands above them. */
#define BYTE_CODES UINT32_C(0x110000)

/* How far matching has come in both. */
struct place {
	size_t in_pattern;
	size_t in_path;
};

/* A star: where matching goes on when it has taken one character, or component, more. */
struct star {
	struct place place;
	bool is_set;
	bool takes_components;
};

struct matching {
	struct ft_bytes pattern;
	struct ft_bytes path;
	struct place at;
	struct star single;
	struct star deep;
};

static uint32_t next_code(struct ft_bytes text, size_t *at)
{
	uint32_t code;
	size_t used = ft_utf8_decode(text.data + *at, text.length - *at, &code);

	if (used == 0) {
		code = BYTE_CODES + (unsigned char)text.data[*at];
		used = 1;
	}
	*at += used;
	return code;
}

/* One character of a bracket expression, \x being x. */
static uint32_t next_class_code(struct ft_bytes pattern, size_t *at)
{
	if (pattern.data[*at] == '\\' && *at + 1 < pattern.length)
		(*at)++;
	return next_code(pattern, at);
}

/*
 * The bracket expression at *at: whether it holds code. Moves behind it. Without a closing bracket
 * it is none: *at stays.
 */
static bool class_holds(struct ft_bytes pattern, size_t *at, uint32_t code)
{
	size_t i = *at + 1;
	bool is_negated = i < pattern.length && (pattern.data[i] == '!' || pattern.data[i] == '^');
	bool is_held = false;
	size_t first = i += is_negated;

	while (i < pattern.length && (pattern.data[i] != ']' || i == first)) {
		uint32_t low = next_class_code(pattern, &i);
		uint32_t high = low;

		if (i + 1 < pattern.length && pattern.data[i] == '-' &&
		    pattern.data[i + 1] != ']') {
			i++;
			high = next_class_code(pattern, &i);
		}
		is_held |= low <= code && code <= high;
	}
	if (i >= pattern.length)
		return false;
	*at = i + 1;
	return is_held != is_negated;
}

/* Matches what the pattern has next, which is no star, with what the path has next. */
static bool match_one(struct matching *matching)
{
	struct ft_bytes pattern = matching->pattern;
	struct ft_bytes path = matching->path;
	struct place at = matching->at;

	if (at.in_pattern == pattern.length || at.in_path == path.length)
		return false;
	if (pattern.data[at.in_pattern] == '?' || pattern.data[at.in_pattern] == '[') {
		size_t class_at = at.in_pattern;
		bool is_class = pattern.data[at.in_pattern] == '[';
		uint32_t code = next_code(path, &at.in_path);
		bool is_held = is_class ? class_holds(pattern, &class_at, code) : true;

		if (!is_class || class_at != at.in_pattern) {
			at.in_pattern = is_class ? class_at : at.in_pattern + 1;
			matching->at = at;
			return is_held && code != '/';
		}
		at = matching->at;
	}
	if (pattern.data[at.in_pattern] == '\\' && at.in_pattern + 1 < pattern.length)
		at.in_pattern++;
	matching->at = (struct place){at.in_pattern + 1, at.in_path + 1};
	return pattern.data[at.in_pattern] == path.data[at.in_path];
}

/* Steps over the star or stars that the pattern has next, and notes them as places to go back to.
 */
static void begin_star(struct matching *matching)
{
	struct ft_bytes pattern = matching->pattern;
	size_t start = matching->at.in_pattern;
	size_t end = start;
	struct star star = {.is_set = true};

	while (end < pattern.length && pattern.data[end] == '*')
		end++;
	if (end - start > 1 && end < pattern.length && pattern.data[end] == '/' &&
	    (start == 0 || pattern.data[start - 1] == '/')) {
		star.takes_components = true;
		end++;
	}
	matching->at.in_pattern = end;
	star.place = matching->at;
	if (end - start > 1) {
		matching->deep = star;
		matching->single = (struct star){0};
	} else {
		matching->single = star;
	}
}

/* Lets a single star take one more character. */
static bool extend_single(struct matching *matching)
{
	struct star *star = &matching->single;

	if (!star->is_set || star->place.in_path == matching->path.length)
		return false;
	if (next_code(matching->path, &star->place.in_path) == '/') {
		star->is_set = false;
		return false;
	}
	matching->at = star->place;
	return true;
}

/* Lets a double star take one more character, or one more component with its slash. */
static bool extend_deep(struct matching *matching)
{
	struct star *star = &matching->deep;
	size_t length = matching->path.length;
	uint32_t code;

	if (!star->is_set)
		return false;
	do {
		if (star->place.in_path == length)
			return false;
		code = next_code(matching->path, &star->place.in_path);
	} while (star->takes_components && code != '/');
	matching->at = star->place;
	matching->single = (struct star){0};
	return true;
}

static struct ft_bytes skip_bytes(struct ft_bytes text, size_t n)
{
	return (struct ft_bytes){text.data + n, text.length - n};
}

bool ft_glob_match(struct ft_bytes pattern, struct ft_bytes path)
{
	struct matching matching = {.pattern = pattern, .path = path};

	if (pattern.length == 0 || !memchr(pattern.data, '/', pattern.length))
		matching.path = ft_bytes_last_component(path);
	else if (pattern.data[0] != '/' && path.length && path.data[0] == '/')
		matching.path = skip_bytes(path, 1);

	for (;;) {
		size_t in_pattern = matching.at.in_pattern;

		if (in_pattern == pattern.length && matching.at.in_path == matching.path.length)
			return true;
		if (in_pattern < pattern.length && pattern.data[in_pattern] == '*')
			begin_star(&matching);
		else if (!match_one(&matching) && !extend_single(&matching) &&
			 !extend_deep(&matching))
			return false;
	}
}

bool ft_glob_has_magic(struct ft_bytes pattern)
{
	for (size_t i = 0; i < pattern.length; i++)
		if (pattern.data[i] == '*' || pattern.data[i] == '?' || pattern.data[i] == '[')
			return true;
	return false;
}
