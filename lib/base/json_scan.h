/* SPDX-License-Identifier: MIT */
/*
 * Steps over the members of one JSON object in a line, without building anything: logs hold millions
 * of such lines. It does not check what it steps over (a document that must be right is read by
 * json_read.c); duplicate keys come as often as they stand there.
 */
#ifndef FT_BASE_JSON_SCAN_H
#define FT_BASE_JSON_SCAN_H

#include <stdbool.h>

#include "scan.h"

struct ft_json_member {
	struct ft_bytes key; /* between its quotes, escapes as they are */
	/*
	 * The value: of a string what is between its quotes, escapes as they are; of an object or
	 * array all of it with its brackets; else the word or number.
	 */
	struct ft_bytes value;
	char kind; /* '"', '{', '[', '0' for a number, else its first letter: 't', 'f', 'n' */
};

/* Steps into the object that begins here, blanks before it aside. */
bool ft_json_scan_open(struct ft_scan *scan);
/* 1 and the next member, 0 behind the last one, -EBADMSG where no member can be seen. */
int ft_json_scan_next(struct ft_scan *scan, struct ft_json_member *ret_member);

/*
 * The text of a string without its escapes. Without a backslash *ret_text is raw itself; else it is
 * decoded into scratch, which has room for raw.length bytes. Lone surrogates become U+FFFD. false:
 * an escape that JSON does not have.
 */
bool ft_json_scan_text(struct ft_bytes raw, char *scratch, struct ft_bytes *ret_text);

#endif
