/* SPDX-License-Identifier: MIT */
/* See input.h. */
#include "input.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>
#include <zstd.h>

#define PACKED_SIZE (256u << 10)
#define MAGIC_SIZE 4
/* For inflateInit2(): gzip only, its largest window. */
#define GZIP_WINDOW (15 + 16)

struct input_unpacker {
	const char *name;
	/* Whether data that begin like that may be its own; size may be less than MAGIC_SIZE. */
	bool (*fits)(const unsigned char *data, size_t size);
	void *(*open)(void);
	void (*close)(void *state);
	/*
	 * Unpacks into buffer what it can, moves input->begin, sets input->is_inside and, where it
	 * cannot go on behind the bytes that it made, input->damage. Bytes made, or -ENOMEM.
	 */
	ssize_t (*unpack)(struct input *input, char *buffer, size_t size);
};

static bool is_prefix(const unsigned char *data, size_t size, const char *magic, size_t magic_size)
{
	return memcmp(data, magic, size < magic_size ? size : magic_size) == 0;
}

/* ---- gzip ---- */

static bool fits_gzip(const unsigned char *data, size_t size)
{
	return is_prefix(data, size, "\x1f\x8b\x08", 3);
}

static void *open_gzip(void)
{
	z_stream *stream = calloc(1, sizeof(*stream));

	if (stream && inflateInit2(stream, GZIP_WINDOW) == Z_OK)
		return stream;
	free(stream);
	return NULL;
}

static void close_gzip(void *state)
{
	inflateEnd(state);
	free(state);
}

/* Several members may follow one another, and zeros that fill a block. */
static ssize_t unpack_gzip(struct input *input, char *buffer, size_t size)
{
	z_stream *stream = input->state;
	int r;

	while (!input->is_inside && input->begin < input->end && input->packed[input->begin] == 0)
		input->begin++;
	if (!input->is_inside && input->begin == input->end)
		return 0;
	if (!input->is_inside && inflateReset(stream) != Z_OK)
		return -ENOMEM;
	stream->next_in = (unsigned char *)input->packed + input->begin;
	stream->avail_in = (unsigned int)(input->end - input->begin);
	stream->next_out = (unsigned char *)buffer;
	stream->avail_out = (unsigned int)size;
	r = inflate(stream, Z_NO_FLUSH);
	input->begin = input->end - stream->avail_in;
	input->is_inside = r != Z_STREAM_END;
	if (r == Z_MEM_ERROR)
		return -ENOMEM;
	if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR)
		input->damage = stream->msg ? stream->msg : "no gzip data";
	return (ssize_t)(size - stream->avail_out);
}

/* ---- zstd ---- */

/* Frames that hold no data may come first. */
static bool fits_zstd(const unsigned char *data, size_t size)
{
	return is_prefix(data, size, "\x28\xb5\x2f\xfd", 4) ||
	       ((data[0] & 0xf0) == 0x50 && size > 1 &&
		is_prefix(data + 1, size - 1, "\x2a\x4d\x18", 3));
}

static void *open_zstd(void)
{
	return ZSTD_createDStream();
}

static void close_zstd(void *state)
{
	ZSTD_freeDStream(state);
}

static ssize_t unpack_zstd(struct input *input, char *buffer, size_t size)
{
	ZSTD_inBuffer in = {input->packed, input->end, input->begin};
	ZSTD_outBuffer out = {buffer, size, 0};
	size_t r;

	if (!input->is_inside && in.pos == in.size)
		return 0; /* to go on would begin another frame */
	r = ZSTD_decompressStream(input->state, &out, &in);
	input->begin = in.pos;
	input->is_inside = r != 0;
	if (ZSTD_isError(r))
		input->damage = ZSTD_getErrorName(r);
	return (ssize_t)out.pos;
}

static const struct input_unpacker unpackers[] = {
	{"gzip", fits_gzip, open_gzip, close_gzip, unpack_gzip},
	{"zstd", fits_zstd, open_zstd, close_zstd, unpack_zstd},
};

#define UNPACKERS (sizeof(unpackers) / sizeof(unpackers[0]))

/* ---- opening ---- */

int input_open(struct input *input, int fd)
{
	struct stat status;

	*input = (struct input){.fd = fd, .packed = malloc(PACKED_SIZE)};
	if (!input->packed)
		return -ENOMEM;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
		input->size = (uint64_t)status.st_size;
	return 0;
}

void input_done(struct input *input)
{
	if (input->state)
		input->unpacker->close(input->state);
	free(input->packed);
	if (input->fd >= 0)
		close(input->fd);
	*input = (struct input){.fd = -1};
}

/* ---- reading ---- */

static ssize_t read_some(struct input *input, char *buffer, size_t size)
{
	ssize_t r;

	do
		r = read(input->fd, buffer, size);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return -errno;
	input->has_ended = r == 0;
	input->taken += (uint64_t)r;
	return r;
}

static ssize_t read_packed(struct input *input)
{
	ssize_t r;

	memmove(input->packed, input->packed + input->begin, input->end - input->begin);
	input->end -= input->begin;
	input->begin = 0;
	r = read_some(input, input->packed + input->end, PACKED_SIZE - input->end);
	input->end += r > 0 ? (size_t)r : 0;
	return r;
}

static const struct input_unpacker *find_unpacker(const struct input *input)
{
	for (size_t i = 0; i < UNPACKERS; i++) {
		if (input->end && unpackers[i].fits((unsigned char *)input->packed, input->end))
			return &unpackers[i];
	}
	return NULL;
}

/* Reads no more than it takes to tell: a line may have come that somebody waits for. */
static int look_at_magic(struct input *input)
{
	ssize_t r;

	do {
		r = read_packed(input);
		if (r < 0)
			return (int)r;
		input->unpacker = find_unpacker(input);
	} while (r > 0 && input->unpacker && input->end < MAGIC_SIZE);
	if (input->end < MAGIC_SIZE)
		input->unpacker = NULL;
	input->is_known = true;
	if (!input->unpacker)
		return 0;
	input->state = input->unpacker->open();
	return input->state ? 0 : -ENOMEM;
}

static ssize_t copy_packed(struct input *input, char *buffer, size_t size)
{
	size_t count = input->end - input->begin < size ? input->end - input->begin : size;

	memcpy(buffer, input->packed + input->begin, count);
	input->begin += count;
	return (ssize_t)count;
}

static int refuse(const struct input *input, struct fusetrace_error *reterr_error)
{
	static const char advice[] = "what came before is all that can be read";

	if (!reterr_error)
		return -EBADMSG;
	reterr_error->code = -EBADMSG;
	if (input->damage)
		snprintf(reterr_error->text, sizeof(reterr_error->text),
			 "the %s data are damaged (%s): %s", input->unpacker->name, input->damage,
			 advice);
	else
		snprintf(reterr_error->text, sizeof(reterr_error->text),
			 "the %s data end too early: %s", input->unpacker->name, advice);
	return -EBADMSG;
}

static ssize_t read_unpacked(struct input *input, char *buffer, size_t size,
			     struct fusetrace_error *reterr_error)
{
	ssize_t r = 0;

	while (r == 0) {
		if (input->damage)
			return refuse(input, reterr_error);
		if (input->begin == input->end && !input->is_full) {
			r = read_packed(input);
			if (r == 0 && input->is_inside)
				return refuse(input, reterr_error);
			if (r <= 0)
				return r;
		}
		r = input->unpacker->unpack(input, buffer, size);
		input->is_full = r == (ssize_t)size;
	}
	return r;
}

ssize_t input_read(struct input *input, char *buffer, size_t size,
		   struct fusetrace_error *reterr_error)
{
	int r = input->is_known ? 0 : look_at_magic(input);

	if (r < 0)
		return r;
	if (size == 0)
		return 0;
	if (input->unpacker)
		return read_unpacked(input, buffer, size, reterr_error);
	if (input->begin < input->end)
		return copy_packed(input, buffer, size);
	return input->has_ended ? 0 : read_some(input, buffer, size);
}
