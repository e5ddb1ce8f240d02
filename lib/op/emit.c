/* SPDX-License-Identifier: MIT */
/*
 * The emitter: a filesystem's own operations as JSON lines, in the form of json_write.c. It keeps
 * nothing between calls and takes no lock, so that a filesystem pays for the line and one write(2).
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fusetrace/fusetrace.h>

#include "base/cleanup.h"
#include "json_write.h"
#include "opcode.h"

/* Pipes take this much in one piece (PIPE_BUF), and paths are seldom longer. */
#define LINE_SIZE 4096

/* The numbers that struct fusetrace_emit has. */
#define EMIT_FIELDS                                                                                \
	(FT_HAS(ERRNO) | FT_HAS(START_NS) | FT_HAS(DURATION_NS) | FT_HAS(PID) | FT_HAS(UID) |      \
	 FT_HAS(GID) | FT_HAS(FH) | FT_HAS(OFFSET) | FT_HAS(SIZE) | FT_HAS(REPLY_SIZE) |           \
	 FT_HAS(MODE) | FT_HAS(FLAGS) | FT_HAS(PATH) | FT_HAS(PATH2) | FT_HAS(XATTR))

static bool fits_32_bits(const struct fusetrace_emit *emit)
{
	return emit->pid <= UINT32_MAX && emit->uid <= UINT32_MAX && emit->gid <= UINT32_MAX &&
	       emit->mode <= UINT32_MAX && emit->flags <= UINT32_MAX;
}

static bool is_valid(const struct fusetrace_emit *emit)
{
	struct ft_op_selector selector;

	return emit && emit->sz == sizeof(*emit) && emit->op &&
	       ft_op_selector_parse(emit->op, strlen(emit->op), &selector) &&
	       !(emit->present & ~EMIT_FIELDS) && emit->error >= 0 && emit->error <= UINT16_MAX &&
	       fits_32_bits(emit);
}

/* The operation is finished: its status and errno are known whatever present says. */
static void record_of_emit(const struct fusetrace_emit *emit, struct ft_json_record *ret_record)
{
	*ret_record = (struct ft_json_record){
		.kind = FT_JSON_OP,
		.source = FUSETRACE_SOURCE_LOG,
		.start_ns = emit->start_ns,
		.duration_ns = emit->duration_ns,
		.status = emit->error ? FUSETRACE_STATUS_FAILED : FUSETRACE_STATUS_COMPLETED,
		.op_name = ft_bytes_of(emit->op),
		.event =
			{
				.present = emit->present | FT_HAS(ERRNO) | FT_HAS(PATH) |
					   FT_HAS(PATH2) | FT_HAS(XATTR),
				.error = emit->error,
				.pid = (uint32_t)emit->pid,
				.uid = (uint32_t)emit->uid,
				.gid = (uint32_t)emit->gid,
				.fh = emit->fh,
				.offset = emit->offset,
				.size = emit->size,
				.reply_size = emit->reply_size,
				.mode = (uint32_t)emit->mode,
				.flags = (uint32_t)emit->flags,
				.path = ft_bytes_of(emit->path),
				.path2 = ft_bytes_of(emit->path2),
				.xattr = ft_bytes_of(emit->xattr),
			},
	};
}

/*
 * Whatever is written must be a whole line, or the next one is spoilt too: once a part has gone
 * out, a descriptor that would block is waited for.
 */
static int write_line(int fd, const char *line, size_t length)
{
	size_t written = 0;

	while (written < length) {
		ssize_t n = write(fd, line + written, length - written);

		if (n > 0) {
			written += (size_t)n;
		} else if (n == 0) {
			return -EIO;
		} else if (errno == EAGAIN && written > 0) {
			struct pollfd writable = {.fd = fd, .events = POLLOUT};

			poll(&writable, 1, -1);
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

int fusetrace_emit(int fd, const struct fusetrace_emit *emit)
{
	struct ft_json_record record;
	char usual[LINE_SIZE];
	char *large FT_AUTO_FREE = NULL;
	char *line = usual;
	size_t length;

	if (!is_valid(emit))
		return -EINVAL;

	record_of_emit(emit, &record);
	length = ft_json_write(&record, usual, sizeof(usual));
	if (length >= sizeof(usual)) {
		line = large = malloc(length + 1);
		if (!large)
			return -ENOMEM;
		ft_json_write(&record, large, length + 1);
	}
	line[length] = '\n'; /* in the place of the NUL */
	return write_line(fd, line, length + 1);
}
