/* SPDX-License-Identifier: MIT */
/*
 * A file or pipe that is read, as it is or out of gzip or zstd, which its first bytes tell. Nothing
 * is unpacked ahead of what is asked for, so a pipe that stays open is read as it comes.
 */
#ifndef CLI_INPUT_H
#define CLI_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <fusetrace/fusetrace.h>

struct input_unpacker;

struct input {
	int fd;
	uint64_t size;  /* of the file; 0: not known */
	uint64_t taken; /* bytes of the file, so far */
	char *packed;   /* read and not used yet: packed[begin] to packed[end] */
	size_t begin;
	size_t end;
	bool is_known;  /* whether it is packed */
	bool has_ended; /* no more to read from fd */
	bool is_inside; /* the packed data have begun and not ended */
	bool is_full; /* the last piece filled all the room, so there may be more without reading */
	const struct input_unpacker *unpacker; /* NULL: as it is */
	void *state;                           /* of the unpacker */
	const char *damage;                    /* why it cannot go on; NULL: it can */
};

/* Takes ownership of fd, also on failure. 0 or -ENOMEM. Free with input_done(). */
int input_open(struct input *input, int fd);
void input_done(struct input *input);

/*
 * Up to size bytes; 0 at the end. -EBADMSG with the reason for packed data that are damaged or cut
 * off, else the negative errno of the read. What came before is whole.
 */
ssize_t input_read(struct input *input, char *buffer, size_t size,
		   struct fusetrace_error *reterr_error);

#endif
