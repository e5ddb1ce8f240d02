/* SPDX-License-Identifier: MIT */
/*
 * What the library knows of each opcode: its name, how it behaves, and how its request and reply
 * are laid out. One table (opcode.c); everything that treats opcodes differently reads it.
 */
#ifndef FT_OPCODE_H
#define FT_OPCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fusetrace/fusetrace.h>

/* How an opcode behaves. */
#define FT_OPCODE_NO_REPLY (1u << 0)   /* the daemon never answers (FORGET, ...) */
#define FT_OPCODE_NAME (1u << 1)       /* nodeid is a directory, a name in it follows */
#define FT_OPCODE_NAME2 (1u << 2)      /* ... and a second name, in nodeid2 */
#define FT_OPCODE_TARGET (1u << 3)     /* ... and a link target */
#define FT_OPCODE_XATTR (1u << 4)      /* the name is that of an extended attribute */
#define FT_OPCODE_ENTRY (1u << 5)      /* the reply names a node (struct fuse_entry_out) */
#define FT_OPCODE_OPENS (1u << 6)      /* the reply makes an fh */
#define FT_OPCODE_CLOSES (1u << 7)     /* the request ends an fh */
#define FT_OPCODE_REMOVES (1u << 8)    /* success removes the name */
#define FT_OPCODE_UNTIMED (1u << 9)    /* outside a test's control or long-lived: not in idle */
#define FT_OPCODE_NO_PATH (1u << 10)   /* about the connection, not about a file */
#define FT_OPCODE_PAYLOAD (1u << 11)   /* what follows the reply's fixed part is the reply_size */
#define FT_OPCODE_ASKS_SIZE (1u << 12) /* asked for 0 bytes, the reply is the size of the value */

/* Pseudo fields of layouts, behind the public ones. */
#define FT_WIRE_ENTRY_MODE (FUSETRACE_FIELDS + 0u) /* st_mode of the node that the reply names */
#define FT_WIRE_LOCK_END (FUSETRACE_FIELDS + 1u)   /* last byte of a lock; gives the size */

/* A field in the fixed part of a request or reply. */
struct ft_wire_field {
	uint8_t field; /* FUSETRACE_FIELD_ or FT_WIRE_ */
	uint8_t width; /* bytes: 1, 2, 4 or 8; 0 ends the list */
	uint16_t offset;
	uint16_t only_if; /* bits of the first 32-bit word; without one of them the field is void */
};

#define FT_WIRE_FIELDS_MAX 8

struct ft_wire_layout {
	uint16_t size;       /* bytes of the fixed part */
	uint16_t short_size; /* likewise in an older or optional form without its end; 0: none */
	struct ft_wire_field fields[FT_WIRE_FIELDS_MAX];
};

struct ft_opcode {
	const char *name; /* as fusetrace_opcode_name(); "unknown" in the row of unknown opcodes */
	const char *kernel_name; /* the kernel's, where that differs; else NULL */
	uint32_t number;
	uint32_t behaviour; /* FT_OPCODE_ bits */
	struct ft_wire_layout request;
	struct ft_wire_layout reply;
};

/* Never NULL: a number that is not in the table gets the row of unknown opcodes, number 0. */
const struct ft_opcode *ft_opcode_get(uint32_t number);

/* Its bit in a 64-bit set of opcodes: numbers below 63 have their own, all others share bit 63. */
uint64_t ft_opcode_bit(uint32_t number);

/*
 * The opcode that a name in a log or recording means: that of the table, the kernel's ("rename2"),
 * "opcode_NN", or "chmod" and its like for SETATTR; any case, with or without "fuse_". The first
 * one of those that share the name. false if there is no such name.
 */
bool ft_opcode_find(const char *name, size_t length, uint32_t *ret_number);

/*
 * What a name in a match selects: a set of opcodes and, for chmod and its like, the FATTR_ bits of
 * which SETATTR must carry one (0: no condition). false if there is no such name.
 */
struct ft_op_selector {
	uint64_t opcodes;
	uint32_t valid;
	uint32_t number; /* the exact opcode of one that shares bit 63; else 0 */
};
bool ft_op_selector_parse(const char *name, size_t length, struct ft_op_selector *ret_selector);

/* The accepted name nearest to a misspelt one, or to a usual word ("close": release). Static. */
const char *ft_op_name_nearest(const char *name, size_t length);

#endif
