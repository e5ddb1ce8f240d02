/* SPDX-License-Identifier: MIT */
/* Values as Python's repr() writes them: (b'hello\n', 0, None). */
#ifndef FT_FORMATS_PYTHON_H
#define FT_FORMATS_PYTHON_H

#include "base/scan.h"

#define FT_PYTHON_ITEMS_MAX 8

struct ft_python {
	char kind; /* 'i' a whole number, 's' a string, 'b' bytes, 'n' None, '?' anything else */
	bool is_negative;
	uint64_t number;      /* 'i', without its sign */
	struct ft_bytes text; /* 's', decoded; a surrogate that stands for a byte is that byte */
	size_t size;          /* 'b': how many bytes they are */
};

/*
 * Takes one value. A string is decoded into scratch, which has room for as many bytes as are left
 * here; NULL: not decoded.
 */
bool ft_python_take(struct ft_scan *scan, char *scratch, struct ft_python *ret_value);

/* Takes all of (VALUE, VALUE), up to FT_PYTHON_ITEMS_MAX values of it; the number of them or -1. */
int ft_python_take_tuple(struct ft_scan *scan, char *scratch, struct ft_python *ret_values);

#endif
