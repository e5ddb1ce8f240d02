/* SPDX-License-Identifier: MIT */
/*
 * Names that hold what looks like a field (tracing.h): "a b=c" printed with % gives two. A span has the
 * same fields in the same order each time it is made, but for those without a value; so what stands
 * behind a name and is not in the shortest list that was seen of that span may be part of the name.
 */
#include "tracing.h"

static bool is_same(const struct ft_tracing_shape *shape, const uint64_t *hashes, size_t count)
{
	if (shape->count != count)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (shape->keys[i] != (uint32_t)(hashes[i] >> 32))
			return false;
	}
	return true;
}

/* Whether all keys of the shape are in the list, in order; sets the bits of the list's others. */
static bool is_inside(const struct ft_tracing_shape *shape, const uint64_t *hashes, size_t count,
		      uint32_t *ret_others)
{
	size_t left = shape->count;
	uint32_t others = 0;

	/* from the end on: what a name adds comes before the field that it imitates */
	for (size_t i = count; i-- > 0;) {
		if (left && shape->keys[left - 1] == (uint32_t)(hashes[i] >> 32))
			left--;
		else
			others |= UINT32_C(1) << i;
	}
	*ret_others = others;
	return left == 0;
}

/* Whether all keys of the list are in the shape, in order. */
static bool is_shorter(const struct ft_tracing_shape *shape, const uint64_t *hashes, size_t count)
{
	size_t at = 0;

	for (size_t i = 0; i < shape->count && at < count; i++)
		at += shape->keys[i] == (uint32_t)(hashes[at] >> 32);
	return at == count;
}

static void learn(struct ft_tracing_shape *shape, uint32_t name, const uint64_t *hashes,
		  size_t count)
{
	shape->name = name;
	shape->count = (uint32_t)count;
	for (size_t i = 0; i < count; i++)
		shape->keys[i] = (uint32_t)(hashes[i] >> 32);
}

bool ft_tracing_has_odd_fields(struct ft_tracing *tracing, const struct ft_tracing_record *record,
			       const uint64_t *hashes)
{
	uint32_t name = ft_tracing_hash_text(record->name);
	struct ft_tracing_shape *shape = &tracing->shapes[name % FT_TRACING_SHAPES];
	uint32_t others;

	if (shape->name == name && is_same(shape, hashes, record->count))
		return false;
	if (shape->name != name || is_shorter(shape, hashes, record->count)) {
		learn(shape, name, hashes, record->count);
		return false;
	}
	if (!is_inside(shape, hashes, record->count, &others))
		return false;
	for (size_t i = 1; i < record->count; i++) {
		if ((others >> i & 1) && ft_tracing_is_name(record->fields[i - 1].key))
			return true;
	}
	return false;
}
