/* SPDX-License-Identifier: MIT */
/*
 * What happens around every operation: its start is noted, faults that the user ordered strike, the
 * operation runs, and a line about it is written when tracing. The operations themselves know
 * nothing of all that.
 */
#include "operations.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <fusetrace/fusetrace.h>

#include "branchfs.h"
#include "faults.h"
#include "support.h"
#include "write_behind.h"

/* ---- faults ---------------------------------------------------------------------------------- */

/* How often a waiting operation looks whether it is to be ended; nothing wakes it for that. */
#define GLANCE_NS UINT64_C(10000000)

/*
 * Waits in the middle of an operation. 0 when the deadline has passed, -EINTR when the caller no
 * longer waits (a signal; only asked when is_interruptible), -ENODEV when the session ends: a
 * worker that does not come back then would keep the daemon alive for ever.
 */
static int wait_in_operation(uint64_t deadline_ns, bool is_interruptible)
{
	struct fuse_session *session = fuse_get_session(fuse_get_context()->fuse);
	/* No event is asked for, but an aborted connection is reported always. */
	struct pollfd device = {.fd = fuse_session_fd(session)};

	for (;;) {
		uint64_t now = now_ns();
		uint64_t rest;

		if (fuse_session_exited(session) || device.revents != 0)
			return -ENODEV;
		if (is_interruptible && fuse_interrupted())
			return -EINTR;
		if (now >= deadline_ns)
			return 0;
		rest = deadline_ns - now < GLANCE_NS ? deadline_ns - now : GLANCE_NS;
		ppoll(&device, 1, &(struct timespec){.tv_nsec = (long)rest}, NULL);
	}
}

/* Returns the error that the operation has to fail with, or 0. */
static int suffer_faults(struct fault_list *faults, const char *op, const char *path)
{
	struct fault_effect effect = faults_meet(faults, op, path);
	int result = 0;

	/* Slow is not broken: a delay ends early, but does not fail, when the session ends. */
	if (effect.delay_ns > 0)
		wait_in_operation(now_ns() + effect.delay_ns, false);
	if (effect.hangs)
		result = wait_in_operation(UINT64_MAX, true);
	if (effect.crashes)
		abort();
	return result < 0 ? result : -effect.error;
}

/* ---- the wrapping ---------------------------------------------------------------------------- */

struct request {
	struct fusetrace_emit report;
	const struct fuse_file_info *fi;
	int fault; /* negative errno */
};

#define HAS(field) (1u << FUSETRACE_FIELD_##field)

/* Whether the operation is to be carried out. */
static bool request_begin(struct request *request)
{
	struct fusetrace_emit *report = &request->report;

	report->start_ns = now_ns();
	request->fault = suffer_faults(branchfs_self()->faults, report->op, report->path);
	/* A release that is left out would leak its handle; the kernel ignores its result. */
	return request->fault == 0 || strncmp(report->op, "release", strlen("release")) == 0;
}

static void request_report(struct request *request, int64_t result)
{
	const struct fuse_context *caller = fuse_get_context();
	struct fusetrace_emit *report = &request->report;

	report->duration_ns = now_ns() - report->start_ns;
	report->pid = (uint64_t)caller->pid;
	report->uid = caller->uid;
	report->gid = caller->gid;
	report->present |= HAS(START_NS) | HAS(DURATION_NS) | HAS(PID) | HAS(UID) | HAS(GID);
	if (request->fi && request->fi->fh != 0) {
		report->fh = request->fi->fh;
		report->present |= HAS(FH);
	}
	if (result < 0) {
		report->error = (int32_t)-result;
		report->present &= ~HAS(REPLY_SIZE);
	} else {
		report->reply_size = (uint64_t)result;
	}
	/* There is nobody to tell that the trace cannot be written. */
	fusetrace_emit(branchfs_self()->trace_fd, report);
}

/* Returns what libfuse is to be told. */
static int64_t request_end(struct request *request, int64_t result)
{
	if (request->fault < 0)
		result = request->fault;
	if (branchfs_self()->trace_fd >= 0)
		request_report(request, result);
	return result;
}

#define DEFINE_WRAPPER(name, type, parameters, arguments, handle, fields, ...)                     \
	static type wrapped_##name parameters                                                      \
	{                                                                                          \
		struct request request = {                                                         \
			.report = {.sz = sizeof(struct fusetrace_emit),                            \
				   .op = #name,                                                    \
				   .present = (fields),                                            \
				   __VA_ARGS__},                                                   \
			.fi = (handle),                                                            \
		};                                                                                 \
		type result = 0;                                                                   \
                                                                                                   \
		if (request_begin(&request))                                                       \
			result = branchfs_##name arguments;                                        \
		return (type)request_end(&request, result);                                        \
	}
BRANCHFS_ALL_OPERATIONS(DEFINE_WRAPPER)

static int read_directory(const char *path, void *buffer, fuse_fill_dir_t fill, off_t offset,
			  struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	if (flags & FUSE_READDIR_PLUS)
		return wrapped_readdirplus(path, buffer, fill, offset, fi);
	return wrapped_readdir(path, buffer, fill, offset, fi);
}

/* ---- the session ----------------------------------------------------------------------------- */

struct branchfs *branchfs_self(void)
{
	return fuse_get_context()->private_data;
}

/* The first thing that happens in the background: threads may be started here. */
static void *session_begin(struct fuse_conn_info *connection, struct fuse_config *config)
{
	struct branchfs *fs = branchfs_self();

	/* Inode numbers are those of the branches, so that tools recognise hard links. */
	config->use_ino = 1;
	config->direct_io = fs->wants_direct_io;
	config->hard_remove = fs->wants_hard_remove;
	/*
	 * Since libfuse 3.17 fuse_interrupted() works only for those who want a signal as well.
	 * We do not: an operation that hangs looks by itself, others are not to be disturbed.
	 */
	if (faults_include(fs->faults, FAULT_HANG)) {
		signal(config->intr_signal, SIG_IGN);
		config->intr = 1;
	}
	/*
	 * Writing must take the set-user-id bit away. The branch does not do that for us as root,
	 * so we leave it to the kernel, which sends a chmod.
	 */
	connection->want &= ~(unsigned int)FUSE_CAP_HANDLE_KILLPRIV;
	if (fs->wants_writeback_cache)
		connection->want |= connection->capable & FUSE_CAP_WRITEBACK_CACHE;
	if (fs->write_behind && write_behind_start(fs->write_behind) < 0)
		fuse_log(FUSE_LOG_ERR, "branchfs: cannot start a thread: data reach the branches "
				       "when the mount ends\n");
	return fs;
}

#define MEMBER(name, ...) .name = wrapped_##name,

/* clang-format off */
const struct fuse_operations branchfs_operations = {
	.init = session_begin,
	.readdir = read_directory,
	BRANCHFS_OPERATIONS(MEMBER)
};
/* clang-format on */

/* ---- names ----------------------------------------------------------------------------------- */

#define NAME(name, ...) #name,
#define NAME_AFTER_BLANK(name, ...) " " #name

bool operation_exists(const char *name)
{
	static const char *const names[] = {BRANCHFS_ALL_OPERATIONS(NAME)};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return false;
}

const char *operation_names(void)
{
	return BRANCHFS_ALL_OPERATIONS(NAME_AFTER_BLANK);
}
