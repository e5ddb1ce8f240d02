/* SPDX-License-Identifier: MIT */
/*
 * What go-fuse (github.com/hanwen/go-fuse) prints with MountOptions.Debug, from 2.0 to 2.12:
 *
 *	09:08:34.316680 rx 20: MKDIR n1 {0755 (mask 022)} "d"  p15293
 *	09:08:34.317074 tx 20:     OK, {n2 g1 tE=1s tA=1s {M040755 SZ=4096 L=2 ...}}
 *
 * Here are the lines and the names, which are quoted by Go's %q: none can imitate a record. What
 * stands in the braces is in go_fuse_args.c and go_fuse_reply.c. A reply repeats no opcode, so the
 * last requests are remembered for the one reply that tells by saying nothing: of a read at the end
 * of a file.
 */
#include "go_fuse.h"

#include "formats.h"
#include "op/opcode.h"

#define FUSE_IOCTL 39
#define FUSE_ROOT_ID 1
#define FUSE_INIT 26

/* Requests that are remembered, by their number, which grows by two. */
#define REQUESTS 256
/* The library opens this file itself when it mounts, to make the kernel give up POLL. */
#define HACK_NAME FT_BYTES_LITERAL(".go-fuse-epoll-hack")
#define HACK_NODE UINT64_MAX

struct request {
	uint64_t unique;
	bool gives_bytes; /* a success without any is one of zero bytes */
};

struct go_fuse {
	struct request requests[REQUESTS];
};

static struct request *slot_of(struct go_fuse *state, uint64_t unique)
{
	return &state->requests[(unique >> 1) % REQUESTS];
}

/* ---- requests ---- */

/* "LOOKUP", or "OPCODE-77" for one that the library does not know. */
static bool take_opcode(struct ft_scan *scan, uint32_t *ret_opcode)
{
	struct ft_bytes name;

	if (ft_scan_literal(scan, "OPCODE-"))
		return ft_scan_u32(scan, ret_opcode) && ft_scan_char(scan, ' ');
	return ft_scan_until(scan, ' ', &name) &&
	       ft_opcode_find(name.data, name.length, ret_opcode);
}

/* SETXATTR's payload was printed as its name by some versions: name, NUL, part of the value. */
static struct ft_bytes cut_at_nul(struct ft_bytes name)
{
	const char *nul = memchr(name.data, '\0', name.length);

	return nul ? (struct ft_bytes){name.data, (size_t)(nul - name.data)} : name;
}

/*
 * ["a.txt" "b.txt"] 12b p15364, with the brackets, the length and the pid or without; the contents
 * of a WRITE are quoted like names.
 */
static void take_names(struct ft_scan *scan, const struct ft_line *line, struct ft_event *event)
{
	uint32_t behaviour = ft_opcode_get(event->opcode)->behaviour;
	struct ft_bytes names[2] = {{NULL, 0}, {NULL, 0}};

	if (!(behaviour & (FT_OPCODE_NAME | FT_OPCODE_XATTR)))
		return;
	for (int i = 0; i < 2; i++) {
		/* nothing decoded is longer than what it was decoded from */
		char *scratch = line->scratch + (scan->at - line->text.data);

		ft_scan_chars(scan, ' ');
		ft_scan_char(scan, '[');
		if (ft_scan_is_end(scan) || *scan->at != '"')
			break;
		if (!ft_scan_quoted(scan, scratch, &names[i])) { /* the line was torn */
			event->marks |= FUSETRACE_OP_TRUNCATED;
			break;
		}
		names[i] = cut_at_nul(names[i]);
	}
	if (behaviour & FT_OPCODE_NAME)
		event->name = names[0];
	if (behaviour & FT_OPCODE_XATTR)
		event->xattr = names[0];
	if (behaviour & FT_OPCODE_NAME2)
		event->name2 = names[1];
	if (behaviour & FT_OPCODE_TARGET)
		event->target = names[1];
}

/* " p15364" at the end of the line, since 2.6. */
static void take_pid(const struct ft_scan *scan, struct ft_event *event)
{
	struct ft_scan args = *scan, word;
	uint32_t pid;

	if (!ft_scan_cut_word(&args, &word))
		word = args;
	if (!ft_scan_char(&word, 'p') || !ft_scan_u32(&word, &pid) || !ft_scan_is_end(&word))
		return;
	event->pid = pid;
	event->present |= FT_HAS(PID);
}

static bool is_hack(const struct ft_event *event)
{
	return event->nodeid == HACK_NODE ||
	       (event->nodeid == FUSE_ROOT_ID && ft_bytes_equal(event->name, HACK_NAME));
}

static void remember(struct go_fuse *state, const struct ft_event *event)
{
	uint32_t behaviour = ft_opcode_get(event->opcode)->behaviour;
	bool asks_size = (behaviour & FT_OPCODE_ASKS_SIZE) && event->size == 0;

	*slot_of(state, event->unique) = (struct request){
		.unique = event->unique,
		.gives_bytes = (behaviour & FT_OPCODE_PAYLOAD) && !asks_size &&
			       event->opcode != FUSE_IOCTL,
	};
}

/* " 20: MKDIR n1 {0755 (mask 022)} "d"  p15293" */
static int take_request(struct go_fuse *state, const struct ft_line *line, struct ft_scan *scan,
			struct ft_sink *sink)
{
	struct ft_event event = {.present = FT_HAS(UNIQUE) | FT_HAS(NODEID)};

	if (!ft_scan_u64(scan, &event.unique))
		return FT_LINE_OTHER;
	if (ft_scan_char(scan, ' ')) /* "doBatchForget: rx 660 1/2: FORGET n16": of request 660 */
		return memmem(scan->at, ft_scan_left(scan), ": FORGET ", 9) ? FT_LINE_TAKEN
									    : FT_LINE_OTHER;
	if (!ft_scan_literal(scan, ": ") || !take_opcode(scan, &event.opcode) ||
	    (!ft_scan_char(scan, 'n') && !ft_scan_char(scan, 'i')) ||
	    !ft_scan_u64(scan, &event.nodeid) ||
	    (!ft_scan_is_end(scan) && !ft_scan_char(scan, ' ')))
		return FT_LINE_OTHER;
	event.key = event.unique;
	ft_go_fuse_args(scan, &event);
	take_names(scan, line, &event);
	take_pid(scan, &event);
	if (is_hack(&event))
		return FT_LINE_TAKEN;
	if (event.opcode == FUSE_INIT)
		ft_sink_restart(sink);
	remember(state, &event);
	ft_sink_begin(sink, line, &event);
	return FT_LINE_TAKEN;
}

/* ---- replies ---- */

/* "OK", "OK, {n2 g1 ...}" or "2=no such file or directory, {a reply that nobody gets}" */
static bool take_result(struct ft_scan *scan, char *scratch, struct ft_event *event)
{
	uint32_t error;

	if (ft_scan_literal(scan, "OK")) {
		if (!ft_scan_literal(scan, ", "))
			return ft_scan_is_end(scan);
		ft_go_fuse_reply(scan, scratch, event);
		return true;
	}
	if (!ft_scan_u32(scan, &error) || error == 0 || error > 4095 || !ft_scan_char(scan, '='))
		return false;
	event->error = (int32_t)error;
	return true;
}

static int take_reply(struct go_fuse *state, const struct ft_line *line, struct ft_scan *scan,
		      struct ft_sink *sink)
{
	struct ft_event event = {.opcode = FT_OPCODE_OF_BEGIN, .present = FT_HAS(UNIQUE)};
	const struct request *request;
	bool is_bare;

	if (!ft_scan_u64(scan, &event.unique) || !ft_scan_literal(scan, ":     "))
		return FT_LINE_OTHER;
	is_bare = ft_bytes_equal(ft_scan_rest(scan), FT_BYTES_LITERAL("OK"));
	if (!take_result(scan, line->scratch, &event))
		return FT_LINE_OTHER;
	request = slot_of(state, event.unique);
	if (is_bare && request->unique == event.unique && request->gives_bytes)
		event.present |= FT_HAS(REPLY_SIZE);
	event.key = event.unique;
	ft_sink_end(sink, line, &event);
	return FT_LINE_TAKEN;
}

/* ---- the format ---- */

/* What else the library prints of itself. */
static bool is_known_line(struct ft_scan scan)
{
	return ft_scan_literal(&scan, "ioctl: BACKING_") ||
	       ft_scan_literal(&scan, "received ENODEV (unmount request)") ||
	       ft_scan_literal(&scan, "callFusermount: executing ");
}

static int take(void *data, const struct ft_line *line, struct ft_sink *sink)
{
	struct ft_scan scan = ft_scan_of(line->text);

	if (ft_scan_is_end(&scan))
		return FT_LINE_OTHER;
	switch (*scan.at) {
	case 'r':
		if (ft_scan_literal(&scan, "rx "))
			return take_request(data, line, &scan, sink);
		break;
	case 't':
		if (ft_scan_literal(&scan, "tx "))
			return take_reply(data, line, &scan, sink);
		return FT_LINE_OTHER;
	case 'c':
	case 'i':
		break;
	default:
		return FT_LINE_OTHER;
	}
	return is_known_line(scan) ? FT_LINE_TAKEN : FT_LINE_OTHER;
}

static const char *const begins[] = {
	"rx ", "tx ", "ioctl: BACKING_", "received ENODEV ", "callFusermount: ", NULL};

const struct ft_format ft_format_go_fuse = {
	.name = "go-fuse",
	.title = "go-fuse, 2.0 to 2.12",
	.used_by = "gocryptfs, rclone mount2, JuiceFS, SeaweedFS and others on hanwen/go-fuse",
	.how = "MountOptions.Debug; gocryptfs -fusedebug",
	.note = "pid since 2.6; how much was read or written is told by some versions and some files",
	.gives = FUSETRACE_GIVES_NAME | FUSETRACE_GIVES_REPLY | FUSETRACE_GIVES_ERRNO |
		 FUSETRACE_GIVES_TIME | FUSETRACE_GIVES_OFFSET | FUSETRACE_GIVES_PID |
		 FUSETRACE_GIVES_UNIQUE | FUSETRACE_GIVES_PROOF,
	.rank = FT_RANK_REQUESTS,
	.begins = begins,
	.state_size = sizeof(struct go_fuse),
	.take = take,
};
