/* SPDX-License-Identifier: MIT */
/*
 * libfusetrace: see, wait for and check every operation of any FUSE filesystem.
 *
 * The one public header. A *monitor* watches one mount. It joins each FUSE request with its reply
 * into an *operation*, keeps completed operations in a bounded history, and answers waits:
 *
 *	struct fusetrace_monitor *m;
 *	struct fusetrace_mark mark;
 *
 *	fusetrace_monitor_new(FUSETRACE_MONITOR_OPTS(.mount = "/mnt"), &m, NULL);
 *	fusetrace_monitor_start(m, NULL);
 *	fusetrace_mark_now(m, &mark);
 *	close(fd);
 *	fusetrace_wait(m, &mark, FUSETRACE_MATCH(.op = "release", .path = "/a.txt"),
 *		       5 * FUSETRACE_SECOND, NULL, NULL);
 *
 * Rules that hold everywhere:
 * - Functions that can fail return 0 or a positive result, or a negative errno. Results leave
 *   through ret_ pointers, written only on success; explanations through reterr_ pointers, which
 *   may be NULL, written only on failure.
 * - The return value of a wait is about the *waiting*; fusetrace_op_errno() is about the operation.
 * - Times are nanoseconds of CLOCK_MONOTONIC. FUSETRACE_FOREVER as a timeout means no limit, 0
 *   means look once. Paths are bytes, relative to the mount and absolute: its root is "/".
 * - A monitor may be used by any number of threads at once. After fork() the child may only free:
 *   every other call returns -ECHILD.
 * - The library never prints, exits, aborts, reads the environment or touches signal handlers.
 */
#ifndef FUSETRACE_H
#define FUSETRACE_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FUSETRACE_API __attribute__((visibility("default")))

#define FUSETRACE_VERSION_MAJOR 0
#define FUSETRACE_VERSION_MINOR 1
#define FUSETRACE_VERSION_PATCH 0
#define FUSETRACE_VERSION_TEXT "0.1.0"
#define FUSETRACE_VERSION_HEX 0x000100

/* The version of the library at run time, "0.1.0". */
FUSETRACE_API const char *fusetrace_version(void);

#define FUSETRACE_SECOND UINT64_C(1000000000)
#define FUSETRACE_FOREVER UINT64_MAX

/* Why a call failed, for a person: "what went wrong: what to do". Nothing to free. */
struct fusetrace_error {
	int32_t code; /* negative errno, as returned */
	char text[508];
};

/* Text for a negative return value of this library, "events were lost" for -EOVERFLOW. Static. */
FUSETRACE_API const char *fusetrace_strerror(int error);

/*
 * The library's only way to speak unasked: level is that of syslog(3). Called from any thread
 * without a lock held. NULL (the default) is silence. Process-wide.
 */
typedef void fusetrace_log_fn(int level, const char *text, void *data);
FUSETRACE_API void fusetrace_set_log_fn(fusetrace_log_fn *fn, void *data);

/* ---- opcodes ------------------------------------------------------------------------------- */

/*
 * Opcodes are the kernel's numbers (linux/fuse.h). Names are its names in lower case, "opcode_NN"
 * for a number this library does not know; "rename" covers RENAME and RENAME2. Static.
 */
FUSETRACE_API const char *fusetrace_opcode_name(uint32_t opcode);

/*
 * Iterates the names that a match accepts, in alphabetical order: those of opcodes and "chmod",
 * "chown", "truncate" and "utimens", which select SETATTR by what it sets. Starts with NULL, ends
 * with NULL. Static.
 */
FUSETRACE_API const char *fusetrace_op_name_next(const char *name);

/* ---- operations ---------------------------------------------------------------------------- */

/* One request and its reply. Immutable, reference counted, usable from any thread. */
struct fusetrace_op;

#define FUSETRACE_STATUS_STARTED 1u /* no reply yet */
/* Replied with errno 0; or ended in a log that tells errors where there are some (no ERRNO then). */
#define FUSETRACE_STATUS_COMPLETED 2u
#define FUSETRACE_STATUS_FAILED 3u  /* replied with an errno */
#define FUSETRACE_STATUS_UNKNOWN 4u /* no reply that tells: lost, or the daemon died first */

#define FUSETRACE_SOURCE_AUTO                                                                      \
	0u /* the kernel; what was added of the daemon's log where it refuses */
#define FUSETRACE_SOURCE_KERNEL 1u /* its tracepoints, by BPF */
#define FUSETRACE_SOURCE_LOG 2u    /* what the daemon prints: added, or fed */
#define FUSETRACE_SOURCE_REPLAY 3u /* a recording: fed */

/*
 * What an operation may know. A source that cannot know a field leaves it absent. The names
 * (fusetrace_field_name()) are the keys of the JSON form.
 */
#define FUSETRACE_FIELD_SEQ 0u         /* place in the history, from 1 */
#define FUSETRACE_FIELD_UNIQUE 1u      /* the kernel's request id */
#define FUSETRACE_FIELD_START_NS 2u    /* request sent, CLOCK_MONOTONIC */
#define FUSETRACE_FIELD_DURATION_NS 3u /* from request to reply */
#define FUSETRACE_FIELD_ERRNO 4u       /* positive; 0 when completed */
#define FUSETRACE_FIELD_PID 5u         /* caller's thread id; 0 = the kernel itself */
#define FUSETRACE_FIELD_UID 6u
#define FUSETRACE_FIELD_GID 7u
#define FUSETRACE_FIELD_NODEID 8u   /* of the request's header: for create, the directory */
#define FUSETRACE_FIELD_ENTRY 9u    /* nodeid that the reply names; 0 = negative entry */
#define FUSETRACE_FIELD_NODEID2 10u /* rename: new directory; link: the file; copy: the target */
#define FUSETRACE_FIELD_FH 11u
#define FUSETRACE_FIELD_OFFSET 12u
#define FUSETRACE_FIELD_SIZE 13u       /* bytes asked for; truncate: the new size */
#define FUSETRACE_FIELD_REPLY_SIZE 14u /* bytes read, written, listed */
#define FUSETRACE_FIELD_MODE 15u       /* st_mode asked for; access: the mask */
#define FUSETRACE_FIELD_FLAGS 16u      /* open(2), renameat2(2), ... flags of the request */
#define FUSETRACE_FIELD_VALID 17u      /* setattr: FATTR_ bits */
#define FUSETRACE_FIELD_PATH 18u       /* at the time of the request */
#define FUSETRACE_FIELD_PATH2 19u      /* rename, link: the new path */
#define FUSETRACE_FIELD_NAME 20u       /* last component, when the directory's path is unknown */
#define FUSETRACE_FIELD_NAME2 21u      /* likewise of the new path */
#define FUSETRACE_FIELD_XATTR 22u      /* extended attribute */
#define FUSETRACE_FIELD_TARGET 23u     /* symlink: what it points to */
#define FUSETRACE_FIELDS 24u

/* The JSON key of a field, "start_ns"; NULL if there is no such field. Static. */
FUSETRACE_API const char *fusetrace_field_name(uint32_t field);

/*
 * A number of the operation. 0, -ENODATA when absent, -EINVAL when the field holds bytes.
 */
FUSETRACE_API int fusetrace_op_number(const struct fusetrace_op *op, uint32_t field,
				      uint64_t *ret_number);

/*
 * Bytes of the operation, followed by a NUL. 0, -ENODATA when absent, -EINVAL when the field holds
 * a number. Owned by op.
 */
FUSETRACE_API int fusetrace_op_bytes(const struct fusetrace_op *op, uint32_t field,
				     const char **ret_bytes, size_t *ret_length);

/* Short forms; the strings are NULL and the numbers 0 when absent. Strings are owned by op. */
FUSETRACE_API const char *fusetrace_op_name(const struct fusetrace_op *op);
FUSETRACE_API uint32_t fusetrace_op_opcode(const struct fusetrace_op *op);
FUSETRACE_API const char *fusetrace_op_path(const struct fusetrace_op *op);
FUSETRACE_API const char *fusetrace_op_path2(const struct fusetrace_op *op);
FUSETRACE_API uint32_t fusetrace_op_status(const struct fusetrace_op *op);
FUSETRACE_API int fusetrace_op_errno(const struct fusetrace_op *op);
FUSETRACE_API uint64_t fusetrace_op_seq(const struct fusetrace_op *op);
FUSETRACE_API uint64_t fusetrace_op_start_ns(const struct fusetrace_op *op);
FUSETRACE_API uint64_t fusetrace_op_duration_ns(const struct fusetrace_op *op);
FUSETRACE_API uint32_t fusetrace_op_source(const struct fusetrace_op *op);

#define FUSETRACE_OP_PROBE (1u << 0)     /* a failure that the kernel expects, as a missing xattr */
#define FUSETRACE_OP_UNLINKED (1u << 1)  /* path is the last one of a file that has none any more */
#define FUSETRACE_OP_SUSPECT (1u << 2)   /* the source cannot tell it from a forged record */
#define FUSETRACE_OP_TRUNCATED (1u << 3) /* a name was longer than the source captures */
FUSETRACE_API uint32_t fusetrace_op_marks(const struct fusetrace_op *op);

/* Another reference. Returns op. Free with fusetrace_op_unref(). */
FUSETRACE_API struct fusetrace_op *fusetrace_op_ref(struct fusetrace_op *op);
/* Gives a reference back; NULL is fine. Always returns NULL. */
FUSETRACE_API struct fusetrace_op *fusetrace_op_unref(struct fusetrace_op *op);

/*
 * The operation as one JSON object without a newline (docs/json.md). Writes at most size bytes
 * with a final NUL and returns the length that it would have, as snprintf(3).
 */
FUSETRACE_API int fusetrace_op_json(const struct fusetrace_op *op, char *buffer, size_t size);

/* ---- matches ------------------------------------------------------------------------------- */

#define FUSETRACE_MATCH_ANY 0u
#define FUSETRACE_MATCH_OK 1u
#define FUSETRACE_MATCH_FAILED 2u

#define FUSETRACE_PATH_AUTO 0u /* glob when it holds * ? or [, else exact */
#define FUSETRACE_PATH_EXACT 1u
/* * within a component, ** over them; without a slash the last component, else from the root */
#define FUSETRACE_PATH_GLOB 2u
#define FUSETRACE_PATH_REGEX 3u /* POSIX extended, unanchored */

#define FUSETRACE_MATCH_IN_FLIGHT (1u << 0)     /* also what had begun before the mark */
#define FUSETRACE_MATCH_ALLOW_FAILURE (1u << 1) /* wait on when a matching operation fails */
#define FUSETRACE_MATCH_NO_PROBES (1u << 2)     /* leave out FUSETRACE_OP_PROBE */
#define FUSETRACE_MATCH_NOT (1u << 3)           /* the operations that do not match */

/*
 * Which operations are meant: all that is set must hold. Strings are read by the call that gets
 * the match and need not live longer.
 */
struct fusetrace_match {
	size_t sz;          /* sizeof, set by FUSETRACE_MATCH() */
	const char *op;     /* names separated by commas; NULL or "*": any */
	const char *path;   /* path or path2; in the mount, or absolute under the mountpoint */
	uint32_t path_kind; /* FUSETRACE_PATH_ */
	uint32_t status;    /* FUSETRACE_MATCH_ANY, _OK, _FAILED */
	int32_t error;      /* positive errno; 0: any */
	uint32_t flags;     /* FUSETRACE_MATCH_ bits */
	int64_t pid;        /* caller's thread; 0: any, -1: the kernel itself */
	uint64_t nodeid;    /* 0: any */
	uint64_t min_size;  /* bytes asked for */
	uint64_t min_duration_ns;
	/*
	 * Last word, called in the waiter's thread with no lock held: 1 yes, 0 no, < 0 ends the wait.
	 * Before a report says that something came too early, or before the mark, it is asked about that.
	 */
	int (*check)(const struct fusetrace_op *op, void *data);
	void *data;
	const char *label;      /* shown first in reports */
	const char *check_name; /* of check, for reports: "is_complete" */
	const char *where;      /* who waits, for reports: "test_flush.py:31" */
	/*
	 * A wait ends when no such operation has begun by then, counted from the call that waits; for
	 * an expectation from the first. 0: the timeout is for all of it. A log that does not print
	 * requests before their replies tells of the begin with the end.
	 */
	uint64_t start_timeout_ns;
};
#define FUSETRACE_MATCH(...)                                                                       \
	(&(struct fusetrace_match){.sz = sizeof(struct fusetrace_match), __VA_ARGS__})

/* 0, or -EINVAL with the reason in reterr_error (an unknown name is answered with the nearest). */
FUSETRACE_API int fusetrace_match_check(const struct fusetrace_match *match,
					struct fusetrace_error *reterr_error);

/* ---- monitors ------------------------------------------------------------------------------ */

struct fusetrace_monitor;

#define FUSETRACE_MONITOR_NO_THREAD (1u << 0) /* the caller runs fusetrace_process() */
#define FUSETRACE_MONITOR_PENDING (1u << 1) /* the mount comes later: fusetrace_monitor_follow() */
#define FUSETRACE_MONITOR_EINTR (1u << 2)   /* signal handlers put waits off: -EINTR */

struct fusetrace_monitor_opts {
	size_t sz;           /* sizeof, set by FUSETRACE_MONITOR_OPTS() */
	const char *mount;   /* a mountpoint or any path under it; never touched, only looked up */
	uint32_t source;     /* FUSETRACE_SOURCE_ */
	uint32_t flags;      /* FUSETRACE_MONITOR_ bits */
	uint64_t max_ops;    /* operations kept; 0: 1,048,576 */
	uint64_t ring_bytes; /* kernel ring, a power of two; 0: 16 MiB; the first monitor decides */
};
#define FUSETRACE_MONITOR_OPTS(...)                                                                \
	(&(struct fusetrace_monitor_opts){.sz = sizeof(struct fusetrace_monitor_opts), __VA_ARGS__})

/*
 * -ENOENT no such path, -EMEDIUMTYPE not on a FUSE mount, -EINVAL. Nothing is traced yet. Free with
 * fusetrace_monitor_free().
 */
FUSETRACE_API int fusetrace_monitor_new(const struct fusetrace_monitor_opts *opts,
					struct fusetrace_monitor **ret_monitor,
					struct fusetrace_error *reterr_error);
/* Stops and frees. NULL is fine. Always returns NULL. Operations and readers stay valid. */
FUSETRACE_API struct fusetrace_monitor *fusetrace_monitor_free(struct fusetrace_monitor *monitor);

/*
 * Begins to trace; when it returns, every later request is seen. -EPERM without CAP_BPF and
 * CAP_PERFMON, -EOPNOTSUPP on a kernel without the fuse tracepoints, -EALREADY.
 */
FUSETRACE_API int fusetrace_monitor_start(struct fusetrace_monitor *monitor,
					  struct fusetrace_error *reterr_error);
/* Drains, then ends the trace; waiters return -ESHUTDOWN. Idempotent. */
FUSETRACE_API int fusetrace_monitor_stop(struct fusetrace_monitor *monitor);

/*
 * For FUSETRACE_MONITOR_PENDING: the next FUSE mount made by process pid or a descendant becomes
 * the monitor's, with all its requests from INIT on. On a mounted monitor it names a daemon whose
 * end shall count, for kernels that do not tell which processes hold a connection.
 */
FUSETRACE_API int fusetrace_monitor_follow(struct fusetrace_monitor *monitor, pid_t pid);

/*
 * Which FUSE mount process pid or a descendant of it serves: the one on top, where there are several.
 * Where none of them is seen to hold a connection (before Linux 6.17 it is not told) it is the one whose
 * mountpoint is an argument of one. 0 and the mountpoint, as /proc/self/mountinfo has it, to be freed
 * with free(); -ENOENT none (yet), -ESRCH there is no such process, -EINVAL. Any thread.
 */
FUSETRACE_API int fusetrace_mountpoint_of(pid_t pid, char **ret_mountpoint);

/*
 * For a helper that only looks whether others' work is there: what thread (a number of gettid(2), as
 * FUSETRACE_FIELD_PID has it) asks for from now on is left out of history, counts, totals, in flight,
 * waits and idle, until the call with is_ignored 0. Paths are learnt from it all the same, and events
 * that are lost may have been its own. Calls nest: each one with 1 needs one with 0. Any thread.
 *
 * A request is left out by the moment when it was sent, however late it is answered or its record
 * read; in a log whose times are not of CLOCK_MONOTONIC, by the moment when its line was read, and
 * both calls read what has been printed. So is what the kernel sends for the thread without naming
 * it, such as the release of a file that it closed, where the kernel is the source and the process
 * in the initial pid namespace.
 *
 * A time that has ended is remembered for a minute, and the last 1,024 of them. Numbers of threads
 * are given out again: a thread that ends shall not be ignored any more. -EINVAL no such number, or
 * it is not ignored; -ENOSPC 1,024 threads are.
 */
FUSETRACE_API int fusetrace_monitor_ignore(struct fusetrace_monitor *monitor, pid_t thread,
					   int is_ignored);

/*
 * What the daemon prints: the last lines are kept for reports and fusetrace_log_lines(), and a
 * monitor of FUSETRACE_SOURCE_LOG makes its operations of them. Before or after the start; several.
 *
 * A descriptor is the read end of a pipe, a socket or a terminal; it is owned by the monitor from
 * then on, also on failure, and is read whenever there is anything, so the daemon never waits. Lines
 * that come faster than they can be parsed are dropped and counted as lost. When the last writer
 * has closed it, a monitor of FUSETRACE_SOURCE_LOG is FUSETRACE_STATE_GONE.
 *
 * A file is followed as it grows, through rotation and truncation: from its end, or from its begin
 * with FUSETRACE_LOG_FROM_BEGIN.
 */
#define FUSETRACE_LOG_FROM_BEGIN (1u << 0)
FUSETRACE_API int fusetrace_monitor_add_log_fd(struct fusetrace_monitor *monitor, int fd,
					       struct fusetrace_error *reterr_error);
FUSETRACE_API int fusetrace_monitor_add_log_file(struct fusetrace_monitor *monitor,
						 const char *path, uint32_t flags,
						 struct fusetrace_error *reterr_error);
/*
 * Calls fn for each of the last lines that the daemon printed (1 MiB of them), oldest first, after
 * a barrier and with no lock held; stops when fn returns non-zero and returns that. line ends with
 * a NUL, which length does not count, and may hold others; it is valid during the call. Lines of
 * several logs stand in the order of their ends, and what has no end yet comes last.
 */
typedef int fusetrace_line_fn(const char *line, size_t length, void *data);
FUSETRACE_API int fusetrace_log_lines(struct fusetrace_monitor *monitor, fusetrace_line_fn *fn,
				      void *data);

#define FUSETRACE_STATE_NEW 0u
#define FUSETRACE_STATE_PENDING 1u /* started, no mount yet */
#define FUSETRACE_STATE_MOUNTED 2u
#define FUSETRACE_STATE_UNMOUNTED 3u /* after a lazy one what is in use is still answered */
#define FUSETRACE_STATE_GONE 4u      /* the daemon ended */
#define FUSETRACE_STATE_STOPPED 5u
FUSETRACE_API uint32_t fusetrace_monitor_state(struct fusetrace_monitor *monitor);
/* Where operations come from, once it was started: FUSETRACE_SOURCE_KERNEL, _LOG or _REPLAY. */
FUSETRACE_API uint32_t fusetrace_monitor_source(struct fusetrace_monitor *monitor);
/* Mountpoint as /proc/self/mountinfo has it; NULL while pending. Owned by monitor. */
FUSETRACE_API const char *fusetrace_monitor_mountpoint(struct fusetrace_monitor *monitor);
/* The daemon's process ids, as far as they are known; returns how many there are, fills max. */
FUSETRACE_API int fusetrace_monitor_daemons(struct fusetrace_monitor *monitor, pid_t *pids,
					    int max);

/*
 * How the daemon that has ended last did so: a wait status as waitpid(2) has it, to be taken apart by
 * WIFEXITED() and so on. It need not be a child of the caller, and may have been reaped; nothing is
 * reaped by this. -EAGAIN none has ended, -ENODATA it is not told how: of somebody else's child before
 * Linux 6.15, or for as long as its parent has not asked for it and the caller may not look into it.
 */
FUSETRACE_API int fusetrace_monitor_daemon_exit(struct fusetrace_monitor *monitor, pid_t *ret_pid,
						int *ret_status);

/*
 * Non-blocking pair for event loops, for FUSETRACE_MONITOR_NO_THREAD: poll the descriptor for
 * POLLIN, then call fusetrace_process(), which never blocks and returns how many events it took.
 * The descriptor is owned by the library; it serves all monitors of the process.
 */
FUSETRACE_API int fusetrace_fd(struct fusetrace_monitor *monitor);
FUSETRACE_API int fusetrace_process(struct fusetrace_monitor *monitor);

/*
 * For FUSETRACE_SOURCE_REPLAY and _LOG: text in pieces of any size; operations come in the order of
 * the text. fusetrace_feed_end() takes a last line without a newline and ends what is still in
 * flight as unknown. In a recording every line must be a record: -EBADMSG with line and column in
 * reterr_error for one that is none; the lines before it have been taken. A log may hold anything;
 * its times are those of its own clock.
 */
FUSETRACE_API int fusetrace_feed(struct fusetrace_monitor *monitor, const void *data, size_t size,
				 struct fusetrace_error *reterr_error);
FUSETRACE_API int fusetrace_feed_end(struct fusetrace_monitor *monitor,
				     struct fusetrace_error *reterr_error);

/*
 * Lines of the logs of a monitor of FUSETRACE_SOURCE_LOG, and how many of them no format took. Empty
 * ones do not count. All zeros for another source.
 */
struct fusetrace_log_counts {
	uint64_t lines;
	uint64_t unparsed;
};
FUSETRACE_API int fusetrace_log_counts(struct fusetrace_monitor *monitor,
				       struct fusetrace_log_counts *ret_counts);
/*
 * From now on fusetrace_feed(), fusetrace_feed_end() and fusetrace_process() call fn, before they
 * return and with no lock held, for each line that no format took; number counts from 1 in each log.
 * line does not end with a NUL, may hold others, and is valid during the call. Of what a daemon
 * prints, 1 MiB is kept between two calls. fn NULL: no more. Set it before other threads feed.
 * -EINVAL for a source without logs.
 */
typedef void fusetrace_unparsed_fn(uint64_t number, const char *line, size_t length, void *data);
FUSETRACE_API int fusetrace_set_unparsed_fn(struct fusetrace_monitor *monitor,
					    fusetrace_unparsed_fn *fn, void *data);

/* What the records of a log format tell. */
#define FUSETRACE_GIVES_PATH (1u << 0)  /* whole paths */
#define FUSETRACE_GIVES_NAME (1u << 1)  /* names in directories: paths are worked out */
#define FUSETRACE_GIVES_REPLY (1u << 2) /* that an operation has ended */
#define FUSETRACE_GIVES_ERRNO (1u << 3) /* ... and how */
#define FUSETRACE_GIVES_TIME (1u << 4)
#define FUSETRACE_GIVES_DURATION (1u << 5) /* also without times */
#define FUSETRACE_GIVES_OFFSET (1u << 6)   /* offset and size of reads and writes */
#define FUSETRACE_GIVES_PID (1u << 7)      /* the caller's */
#define FUSETRACE_GIVES_UNIQUE (1u << 8)
#define FUSETRACE_GIVES_PROOF (1u << 9) /* no file name can forge a record */

/* A log format that the library reads. All strings are static. */
struct fusetrace_format_info {
	const char *name;    /* "libfuse" */
	const char *title;   /* what it is, for a person */
	const char *used_by; /* known daemons */
	const char *how;     /* how it is switched on */
	const char *note;    /* what else one must know, or NULL */
	uint32_t gives;      /* FUSETRACE_GIVES_ bits */
};
/* Format number index, from 0; -ERANGE behind the last one. */
FUSETRACE_API int fusetrace_format_get(size_t index, struct fusetrace_format_info *ret);

/* ---- marks, history ------------------------------------------------------------------------ */

/* A place in a monitor's history, as a plain value. All zeros is the beginning. */
struct fusetrace_mark {
	uint64_t seq;     /* the last operation before the mark */
	uint64_t mono_ns; /* CLOCK_MONOTONIC when it was taken */
	uint64_t lost;    /* events lost before it */
	uint64_t printed; /* place in the daemon's output, for fusetrace_wait_line() */
};

/* Takes everything that has already happened into the history, then gives the mark. */
FUSETRACE_API int fusetrace_mark_now(struct fusetrace_monitor *monitor,
				     struct fusetrace_mark *ret_mark);
/* The barrier alone: when it returns, all that had happened before it is in the history. */
FUSETRACE_API int fusetrace_sync(struct fusetrace_monitor *monitor);

/* Events lost since the mark (NULL: since the start). Loss makes absence unprovable. */
FUSETRACE_API uint64_t fusetrace_lost(struct fusetrace_monitor *monitor,
				      const struct fusetrace_mark *mark);
/* Operations since the mark that match (NULL: any), after a barrier; or a negative errno. */
FUSETRACE_API int64_t fusetrace_count(struct fusetrace_monitor *monitor,
				      const struct fusetrace_mark *mark,
				      const struct fusetrace_match *match);
/*
 * Calls fn for each such operation in order, with no lock held; stops when fn returns non-zero and
 * returns that. op is valid during the call; fusetrace_op_ref() keeps it.
 */
typedef int fusetrace_op_fn(struct fusetrace_op *op, void *data);
FUSETRACE_API int fusetrace_foreach(struct fusetrace_monitor *monitor,
				    const struct fusetrace_mark *mark,
				    const struct fusetrace_match *match, fusetrace_op_fn *fn,
				    void *data);
/* Likewise for what is in flight now, oldest first (status STARTED). */
FUSETRACE_API int fusetrace_in_flight(struct fusetrace_monitor *monitor,
				      const struct fusetrace_match *match, fusetrace_op_fn *fn,
				      void *data);

/* A cursor over the history, for one thread at a time; it outlives the monitor. */
struct fusetrace_reader;
/* Starts behind mark (NULL: at the oldest kept operation). Free with fusetrace_reader_free(). */
FUSETRACE_API int fusetrace_reader_new(struct fusetrace_monitor *monitor,
				       const struct fusetrace_mark *mark,
				       struct fusetrace_reader **ret_reader);
FUSETRACE_API struct fusetrace_reader *fusetrace_reader_free(struct fusetrace_reader *reader);
/*
 * 1 and the next operation, 0 when there is none yet. No barrier. *ret_op is owned by the reader
 * and valid until the next call. When the history overtook the reader, the skipped operations are
 * added to *ret_skipped (may be NULL).
 */
FUSETRACE_API int fusetrace_reader_next(struct fusetrace_reader *reader,
					struct fusetrace_op **ret_op, uint64_t *ret_skipped);

/* ---- waits --------------------------------------------------------------------------------- */

/*
 * Waits return 0 when satisfied, or
 *	-ETIMEDOUT	the deadline passed	-ETIME		one has not begun by its start_timeout_ns
 *	-EPIPE		the daemon ended	-ENOTCONN	unmounted
 *	-EOVERFLOW	events were lost: no verdict
 *	-EILSEQ		the order was violated	-EEXIST		a forbidden operation was seen
 *	-EREMOTEIO	a matching operation failed (status = OK was asked for)
 *	-ECANCELED	fusetrace_interrupt()	-ESHUTDOWN	the monitor was stopped
 *	-EBUSY		(idle) not idle in time	-EINVAL, -ECHILD, -ENOMEM
 *	-EINTR		(FUSETRACE_MONITOR_EINTR) a signal handler ran while the thread slept
 * or what a check function returned. A wait fails at once when its answer cannot change any more.
 *
 * -EINTR is no answer and has no report: the same call with the time that is left goes on as if
 * nothing had happened, whatever came in between. Without the flag signals do not end a wait. A
 * handler that ran before the thread slept, or in another thread, is told by
 * fusetrace_set_wakeup_fd() only.
 *
 * Any thread; not from a check function (-EDEADLK). On failure *reterr_report explains; free with
 * fusetrace_report_free().
 */
struct fusetrace_report;

/*
 * One operation that completed after the mark and, unless FUSETRACE_MATCH_IN_FLIGHT, began after
 * it. NULL as mark means: anywhere in the history. *ret_op: fusetrace_op_unref().
 */
FUSETRACE_API int fusetrace_wait(struct fusetrace_monitor *monitor,
				 const struct fusetrace_mark *mark,
				 const struct fusetrace_match *match, uint64_t timeout_ns,
				 struct fusetrace_op **ret_op,
				 struct fusetrace_report **reterr_report);

#define FUSETRACE_ORDER_ANY 0u
#define FUSETRACE_ORDER_IN_ORDER 1u /* others may come between */
#define FUSETRACE_ORDER_STRICT 2u   /* nothing that matches any of them may come between */

/*
 * n matches, each answered by an operation of its own (best assignment, not first fit). ret_ops,
 * when not NULL, has room for n and comes in the order of the matches.
 */
FUSETRACE_API int fusetrace_wait_all(struct fusetrace_monitor *monitor,
				     const struct fusetrace_mark *mark,
				     const struct fusetrace_match *const *matches, size_t n,
				     uint32_t order, uint64_t timeout_ns,
				     struct fusetrace_op **ret_ops,
				     struct fusetrace_report **reterr_report);

/*
 * No such operation since the mark, nor within window_ns from now (0: up to a barrier). The first
 * offender ends it with -EEXIST and is returned in *reterr_op (may be NULL).
 *
 * Operations that come by themselves (forget, statfs, interrupt, readahead, ...) count here and against
 * FUSETRACE_ORDER_STRICT (where they answer and violate nothing) only if the match names them: "*", no
 * name or an inverted match does not.
 */
FUSETRACE_API int fusetrace_wait_none(struct fusetrace_monitor *monitor,
				      const struct fusetrace_mark *mark,
				      const struct fusetrace_match *match, uint64_t window_ns,
				      struct fusetrace_op **reterr_op,
				      struct fusetrace_report **reterr_report);

/* Nothing in flight and nothing new for quiet_ns. A second choice to waiting for what you mean. */
FUSETRACE_API int fusetrace_wait_idle(struct fusetrace_monitor *monitor, uint64_t quiet_ns,
				      uint64_t timeout_ns, struct fusetrace_report **reterr_report);

/* Which line of the daemon's output is meant: all that is set must hold. */
struct fusetrace_line {
	size_t sz;         /* sizeof, set by FUSETRACE_LINE() */
	const char *text;  /* contained in it, byte by byte; NULL: any */
	const char *regex; /* POSIX extended, unanchored; NULL: any */
	/* As that of a match; line is as fusetrace_line_fn has it. */
	int (*check)(const char *line, size_t length, void *data);
	void *data;
	const char *label;      /* shown first in reports */
	const char *check_name; /* of check, for reports */
};
#define FUSETRACE_LINE(...)                                                                        \
	(&(struct fusetrace_line){.sz = sizeof(struct fusetrace_line), __VA_ARGS__})

/*
 * A line that the daemon printed after the mark (NULL: that is kept), into any log that was added,
 * wherever operations come from. A line counts when it ends: one that was begun before the mark and
 * ended after it does. One without a newline ends with its log; one of more than 64 KiB may be several.
 *
 * *ret_line (may be NULL) ends with a NUL; free(3). Returns as other waits do: -EPIPE, after the last
 * lines, when the daemon has ended or all its logs have; an unmount does not end it, as a daemon may
 * print after that. -EOVERFLOW at the deadline when lines were printed faster than they were read, or
 * more than 1 MiB of them since the mark. -ENODATA no log was added; -EINVAL also a bad regex.
 */
FUSETRACE_API int fusetrace_wait_line(struct fusetrace_monitor *monitor,
				      const struct fusetrace_mark *mark,
				      const struct fusetrace_line *line, uint64_t timeout_ns,
				      char **ret_line, struct fusetrace_report **reterr_report);

/* Until the monitor is in state, or in a later one (-EPIPE, -ENOTCONN, -ESHUTDOWN). */
FUSETRACE_API int fusetrace_wait_state(struct fusetrace_monitor *monitor, uint32_t state,
				       uint64_t timeout_ns);

/*
 * A wait armed before the action. mark NULL: counts only what begins after fusetrace_expect_new().
 * Else it counts from the mark on, as fusetrace_wait_all() does, with what has happened since. A mark
 * of all zeros is the beginning: all operations that are kept count, also those without a start, and
 * what was lost or dropped since the start of the trace counts as lost.
 *
 * Its descriptor becomes readable when fusetrace_expect_wait(.., 0, ..) is worth a call, at once when
 * something has happened since the mark: one idea for poll loops, asyncio and Ctrl-C. Free with
 * fusetrace_expect_free(), from any state.
 */
struct fusetrace_expect;
FUSETRACE_API int fusetrace_expect_new(struct fusetrace_monitor *monitor,
				       const struct fusetrace_mark *mark,
				       const struct fusetrace_match *const *matches, size_t n,
				       uint32_t order, struct fusetrace_expect **ret_expect,
				       struct fusetrace_error *reterr_error);
FUSETRACE_API int fusetrace_expect_fd(const struct fusetrace_expect *expect);
FUSETRACE_API int fusetrace_expect_wait(struct fusetrace_expect *expect, uint64_t timeout_ns,
					struct fusetrace_op **ret_ops,
					struct fusetrace_report **reterr_report);
/*
 * For event loops: fusetrace_expect_wait() that never sleeps. -EAGAIN: neither yes nor no; call it again
 * when the descriptor is readable, or *ret_again_ns from now (FUSETRACE_FOREVER: no need). The timeout
 * counts from the call with *deadline_ns 0, which sets it; give it back unchanged each time. With
 * reterr_report a wait in vain goes on for a moment behind its deadline, to tell what came too late.
 */
FUSETRACE_API int fusetrace_expect_poll(struct fusetrace_expect *expect, uint64_t timeout_ns,
					uint64_t *deadline_ns, uint64_t *ret_again_ns,
					struct fusetrace_op **ret_ops,
					struct fusetrace_report **reterr_report);
FUSETRACE_API struct fusetrace_expect *fusetrace_expect_free(struct fusetrace_expect *expect);

/*
 * For a signal handler that writes to a pipe (Python's signal.set_wakeup_fd() makes such): while fd is
 * readable, this thread's calls that signals may put off (the _EINTR flags of monitors, smart waits and
 * mounts) return -EINTR where they would sleep. So none is missed, whenever and in whichever thread the
 * handler ran. fd is polled, never read or closed; -1, as in each new thread: none. Returns the former one.
 */
FUSETRACE_API int fusetrace_set_wakeup_fd(int fd);

/* Ends all waits of the monitor with -ECANCELED. Any thread. */
FUSETRACE_API int fusetrace_interrupt(struct fusetrace_monitor *monitor);

/*
 * The last 256 waits of a monitor that have ended, whatever came of them: calls fn for each, oldest
 * first, with no lock held; stops when fn returns non-zero and returns that. json is the same as a
 * record of a recording, without a newline (docs/json.md). Both are valid during the call. A look that
 * decides nothing, by fusetrace_expect_wait() with a timeout of 0 and no report, is none of them.
 */
struct fusetrace_wait_record {
	uint64_t began_ns; /* of an expectation: when it was armed */
	uint64_t ended_ns;
	uint64_t answer;        /* seq of the operation that answered last; 0: none */
	int64_t thread;         /* who waited, a number of gettid(2) */
	const char *label;      /* or NULL */
	const char *waited_for; /* "release path=/a.txt status=ok", "idle" */
	const char *verdict;    /* "satisfied", or as fusetrace_verdict_name(); static */
};
typedef int fusetrace_wait_fn(const struct fusetrace_wait_record *wait, const char *json,
			      void *data);
FUSETRACE_API int fusetrace_foreach_wait(struct fusetrace_monitor *monitor, fusetrace_wait_fn *fn,
					 void *data);

/* ---- smart waits --------------------------------------------------------------------------- */

/*
 * Waits for what is meant: that a file is there, that it is gone, that what was written has arrived.
 * Each looks first, then sleeps until an operation on that very path (or a rename above it) has been
 * answered, and looks again; for what comes into a filesystem without one, from its server or its
 * branch, it also looks by itself, after 1 ms and then less and less often, every 50 ms at last.
 *
 * "The filesystem says" means its daemon, asked after a barrier: each name of the path is looked up
 * and the file's status fetched whatever the kernel has cached (its caches then know it too). A
 * kernel older than 6.15 may answer for a name from its cache, up to the timeout that the filesystem
 * gave it. What the daemon itself caches, as that of sshfs does, is the daemon's word.
 *
 * It is asked by a thread of the library whose requests are left out of everything, as with
 * fusetrace_monitor_ignore(). A filesystem that does not answer does not hang the caller: the wait
 * ends at its deadline, or a second after it was asked if that is later, and the thread is left
 * behind until it is answered. Of one mount there are at most four such threads; while there are, no
 * wait asks it anything.
 *
 * path is one in the mount or under the mountpoint, as in a match, and means the file of exactly that
 * name; symbolic links are not followed at its end. A monitor that has no mount yet gets one within
 * the same timeout. Without a monitor (NULL) path is one of this machine, the mount that it lies on is
 * looked up, and there are no events to wake up for. timeout 0: one look.
 *
 * They return as other waits do, -ETIMEDOUT with verdict FUSETRACE_VERDICT_NOT_SO when it did not
 * come to be so and _IN_FLIGHT when there was no answer, -EREMOTEIO for a write that failed, and
 * -ENOTCONN or -EPIPE at once when the mount or the daemon has gone: what is found under a mountpoint
 * then is no answer. -EINVAL for a recording, which cannot be asked.
 */
#define FUSETRACE_SMART_FILE (1u << 0)      /* visible: anything but a directory */
#define FUSETRACE_SMART_DIRECTORY (1u << 1) /* visible: a directory */
#define FUSETRACE_SMART_CLOSED (1u << 2)    /* written: see there */
#define FUSETRACE_SMART_REMOVED (1u << 3)   /* xattr: that it is gone */
#define FUSETRACE_SMART_ANYWHERE (1u << 4)  /* no monitor: path need not be on a FUSE mount */
#define FUSETRACE_SMART_EINTR (1u << 5)     /* no monitor: as FUSETRACE_MONITOR_EINTR */

/* Until the filesystem shows something of that name, of a kind if flags ask for one. */
FUSETRACE_API int fusetrace_wait_visible(struct fusetrace_monitor *monitor, const char *path,
					 uint32_t flags, uint64_t timeout_ns,
					 struct fusetrace_report **reterr_report);
/* Until it shows nothing of that name. */
FUSETRACE_API int fusetrace_wait_gone(struct fusetrace_monitor *monitor, const char *path,
				      uint32_t flags, uint64_t timeout_ns,
				      struct fusetrace_report **reterr_report);

/* What shows that data have arrived. */
#define FUSETRACE_PROOF_RELEASE 1u  /* the release of the handle that wrote, after its flush */
#define FUSETRACE_PROOF_FSYNC 2u    /* an fsync after the last write */
#define FUSETRACE_PROOF_TRUNCATE 3u /* truncate(2), which needs no handle, was answered */
#define FUSETRACE_PROOF_CLOSED 4u   /* FUSETRACE_SMART_CLOSED: nobody has it open to write */
#define FUSETRACE_PROOF_STILL 5u    /* a guess: no trace; size and times did not change for 50 ms */

/*
 * Until what was written since the mark (NULL: in the whole history) has arrived: each write, and
 * each truncation, has been answered, and after it its handle was flushed and released or the file
 * synced, and nothing of the kind is in flight. A file that was renamed, or whose directory was, has
 * its past with it, and what replaced another file has nothing of that one. Arrived means at the
 * daemon, which has answered; where it puts the data is its own affair.
 *
 * With the kernel's write-back cache release or fsync is what brings data to the daemon, and a handle
 * that is open may have written what nobody has seen. So one that was opened for writing since the
 * mark is waited for, unless a program's own write of the file was seen, and none of the kernel's: then
 * it counts only once it writes. What is written back after an fsync is not seen before the kernel
 * sends it. Writing through a mapping is the kernel's writing.
 * Two names of one file are two files here.
 *
 * A write, fsync or flush that failed, and was not made good by a later one, ends it at once with
 * -EREMOTEIO; *reterr_op (may be NULL) is that operation: fusetrace_op_unref(). Events that were lost
 * since the mark make it -EOVERFLOW.
 *
 * FUSETRACE_SMART_CLOSED is for who comes after the writer: it also counts when nobody has written
 * since the mark, no process has the file open for writing (/proc/PID/fd, of all processes that the
 * caller may see, by the name that they know it by), and no request from before the trace is in
 * flight any more (/sys/fs/fuse/connections, which must be mounted). A mapping whose descriptor was
 * closed is not seen.
 */
FUSETRACE_API int fusetrace_wait_written(struct fusetrace_monitor *monitor,
					 const struct fusetrace_mark *mark, const char *path,
					 uint32_t flags, uint64_t timeout_ns, uint32_t *ret_proof,
					 struct fusetrace_op **reterr_op,
					 struct fusetrace_report **reterr_report);
/* "release". Static. */
FUSETRACE_API const char *fusetrace_proof_name(uint32_t proof);

/*
 * Until the extended attribute name (NULL: any) of path was set since the mark (NULL: in the whole
 * history) and the filesystem, asked, has it; with FUSETRACE_SMART_REMOVED until it was removed, and
 * the filesystem has it no more. -EREMOTEIO when setting it failed and did not succeed either.
 * Without a monitor only the filesystem is asked.
 */
FUSETRACE_API int fusetrace_wait_xattr(struct fusetrace_monitor *monitor,
				       const struct fusetrace_mark *mark, const char *path,
				       const char *name, uint32_t flags, uint64_t timeout_ns,
				       struct fusetrace_report **reterr_report);

/* ---- reports ------------------------------------------------------------------------------- */

/*
 * A report is about the moment when the wait ended; for one that timed out, about its deadline. After
 * that a wait with a limit and with a place for the report looks on for a tenth of the limit, 100 ms at
 * most, so that the report can tell what came too late. It has still failed. An operation is in time
 * when it was answered in time, whenever its event is read.
 */

#define FUSETRACE_VERDICT_NEVER_STARTED 1u
#define FUSETRACE_VERDICT_IN_FLIGHT 2u
#define FUSETRACE_VERDICT_FAILED 3u  /* completed with an errno */
#define FUSETRACE_VERDICT_REFUSED 4u /* completed, but the check refused it */
#define FUSETRACE_VERDICT_BEFORE_MARK 5u
#define FUSETRACE_VERDICT_OTHER_PATH 6u
#define FUSETRACE_VERDICT_ORDER 7u
#define FUSETRACE_VERDICT_DAEMON_DIED 8u
#define FUSETRACE_VERDICT_EVENTS_LOST 9u
#define FUSETRACE_VERDICT_NO_EVENTS 10u
#define FUSETRACE_VERDICT_FORBIDDEN 11u /* the forbidden operation was seen */
#define FUSETRACE_VERDICT_NOT_IDLE 12u
#define FUSETRACE_VERDICT_UNMOUNTED 13u
#define FUSETRACE_VERDICT_INTERRUPTED 14u /* interrupted or stopped */
#define FUSETRACE_VERDICT_NOT_SO 15u      /* a smart wait: it never came to be so */

FUSETRACE_API uint32_t fusetrace_report_verdict(const struct fusetrace_report *report);
/* A few lines for a person, and the same as one JSON object. Owned by report. */
FUSETRACE_API const char *fusetrace_report_text(const struct fusetrace_report *report);
FUSETRACE_API const char *fusetrace_report_json(const struct fusetrace_report *report);
FUSETRACE_API struct fusetrace_report *fusetrace_report_free(struct fusetrace_report *report);
/*
 * What the reports of a monitor shall also tell: where its trace is or will be saved, and the factor
 * that the caller multiplies timeouts with. NULL, 0: nothing. The path is copied.
 */
FUSETRACE_API int fusetrace_monitor_set_trace_path(struct fusetrace_monitor *monitor,
						   const char *path);
FUSETRACE_API int fusetrace_monitor_set_timeout_scale(struct fusetrace_monitor *monitor,
						      double scale);
/* "in flight". Static. */
FUSETRACE_API const char *fusetrace_verdict_name(uint32_t verdict);

/* ---- mounts: the life of a daemon ------------------------------------------------------------ */

/*
 * A filesystem that this process starts, waits for and takes away again:
 *
 *	fusetrace_mount_start(FUSETRACE_MOUNT_OPTS(.argv = argv, .mountpoint = "/mnt"), &mount, &error);
 *	fusetrace_mount_wait_ready(mount, 30 * FUSETRACE_SECOND, &error);
 *	...
 *	fusetrace_mount_stop(mount, NULL, &stop, &error);
 *	fusetrace_mount_free(mount);
 *
 * The daemon may stay in the foreground or go into the background, however often it forks: its
 * processes are known by FUSETRACE_DAEMON=<pid>-<random> in their environment and by the connection
 * that they hold. Its processes that are children of the caller are reaped, by their pidfds, and no
 * other child is; signal handlers are left alone. No call touches a mount that it did not make, and
 * none hangs with a filesystem that does.
 *
 * Starting, waiting and stopping is for one thread at a time; what is said to be for any thread may
 * be called meanwhile. A forked child may only free, and ends nothing by it.
 */
struct fusetrace_mount;

#define FUSETRACE_MOUNT_NEW_SESSION (1u << 0) /* setsid(2): Ctrl-C is not for the daemon */
#define FUSETRACE_MOUNT_EINTR (1u << 1)       /* signal handlers put calls off: -EINTR */
#define FUSETRACE_MOUNT_KEEP_FDS (1u << 2)    /* it gets all that are not close-on-exec */
#define FUSETRACE_MOUNT_LEAVE (1u << 3)       /* to be freed does not end what still runs */

#define FUSETRACE_FD_BY_DEFAULT 0 /* input: /dev/null; outputs: read by the monitor or the mount */
#define FUSETRACE_FD_INHERIT (-1) /* that of the caller */

/* What to do about a filesystem that hangs, once its kernel stacks have been taken. */
#define FUSETRACE_ON_HANG_REPORT 0u
#define FUSETRACE_ON_HANG_ABORT 1u /* its connection: who waits for a reply gets ECONNABORTED */

struct fusetrace_mount_opts {
	size_t sz;              /* sizeof, set by FUSETRACE_MOUNT_OPTS() */
	char *const *argv;      /* ends with NULL; argv[0] is found along PATH as by execvp(3) */
	char *const *envp;      /* ends with NULL; NULL: that of the caller */
	const char *mountpoint; /* of an existing directory; NULL: what it mounts first */
	/*
	 * Of FUSETRACE_MONITOR_PENDING, started: it gets the mount and what the daemon prints. Owned by
	 * the caller; it must live as long as the mount. NULL: no trace.
	 */
	struct fusetrace_monitor *monitor;
	int stdin_fd, stdout_fd, stderr_fd; /* FUSETRACE_FD_, or the caller's; it keeps them */
	uint32_t flags;                     /* FUSETRACE_MOUNT_ bits */
	uint32_t on_hang;                   /* FUSETRACE_ON_HANG_, for fusetrace_mount_stop() */
	const sigset_t *signal_mask;        /* of the daemon; NULL: that of the calling thread */
	const sigset_t *default_signals;    /* those to act by default in it; NULL: SIGPIPE */
};
#define FUSETRACE_MOUNT_OPTS(...)                                                                  \
	(&(struct fusetrace_mount_opts){.sz = sizeof(struct fusetrace_mount_opts), __VA_ARGS__})

/*
 * Starts the daemon; returns when its program runs. Errors as posix_spawn(3), -EINVAL. Free with
 * fusetrace_mount_free().
 */
FUSETRACE_API int fusetrace_mount_start(const struct fusetrace_mount_opts *opts,
					struct fusetrace_mount **ret_mount,
					struct fusetrace_error *reterr_error);
/*
 * Stops it as fusetrace_mount_stop() does, if that was not done, unless FUSETRACE_MOUNT_LEAVE. NULL is
 * fine. Returns NULL.
 */
FUSETRACE_API struct fusetrace_mount *fusetrace_mount_free(struct fusetrace_mount *mount);

/*
 * Until the mount is there, INIT has been answered and the daemon is alive. -EPIPE: the daemon ended,
 * or the mount went away again, which is noticed at once; -ETIMEDOUT; -EINTR only with the flag. The
 * text in reterr_error says which, with exit code or signal and, on further lines, what was printed
 * last.
 */
FUSETRACE_API int fusetrace_mount_wait_ready(struct fusetrace_mount *mount, uint64_t timeout_ns,
					     struct fusetrace_error *reterr_error);

/*
 * Until nobody holds the mount, so that it can be unmounted. -ETIMEDOUT: the text names who does, and
 * what is held; -EPIPE it is not there. -EINTR only with the flag. Woken by the ends of processes, by
 * changes of the mounts and, with a monitor, by releases.
 */
FUSETRACE_API int fusetrace_mount_wait_unmountable(struct fusetrace_mount *mount,
						   uint64_t timeout_ns,
						   struct fusetrace_error *reterr_error);

/* What keeps a mount from being unmounted. Strings are valid during the call. */
struct fusetrace_holder {
	pid_t pid;        /* 0: a mount lies on it */
	const char *comm; /* name of the process; type of the mount */
	const char *
		what; /* "open file", "working directory", "root directory", "mapped file", "mount" */
	const char *path; /* as the kernel tells it, with the mountpoint */
};
typedef int fusetrace_holder_fn(const struct fusetrace_holder *holder, void *data);
/*
 * Calls fn for each, as far as the caller may see; stops when fn returns non-zero and returns that.
 * Else how many there are. The filesystem is asked nothing. Any thread.
 */
FUSETRACE_API int fusetrace_mount_holders(struct fusetrace_mount *mount, fusetrace_holder_fn *fn,
					  void *data);

/* Times of fusetrace_mount_stop(); 0: as told here, 1: at once. */
struct fusetrace_stop_opts {
	size_t sz;           /* sizeof, set by FUSETRACE_STOP_OPTS() */
	uint64_t unmount_ns; /* to write back and to end by itself after the unmount; 10 s */
	uint64_t busy_ns;    /* part of it: to wait for who holds the mount; 2 s, then lazily */
	uint64_t term_ns;    /* to end after SIGTERM; 2 s */
	uint64_t kill_ns;    /* to end after SIGKILL; 5 s */
};
#define FUSETRACE_STOP_OPTS(...)                                                                   \
	(&(struct fusetrace_stop_opts){.sz = sizeof(struct fusetrace_stop_opts), __VA_ARGS__})

#define FUSETRACE_STOP_NOTHING 0u /* it had ended, and nothing was mounted any more */
#define FUSETRACE_STOP_UNMOUNT 1u
#define FUSETRACE_STOP_TERM 2u /* ... and SIGTERM */
#define FUSETRACE_STOP_KILL 3u /* ... and SIGKILL */
#define FUSETRACE_STOP_STEPS 4u

#define FUSETRACE_STOP_LAZY (1u << 0)     /* it was in use: out of sight, ends with its last user */
#define FUSETRACE_STOP_ABORTED (1u << 1)  /* its connection was aborted */
#define FUSETRACE_STOP_WAS_DEAD (1u << 2) /* the daemon had left a mount without one */
#define FUSETRACE_STOP_WAS_STOPPED (1u << 3) /* the daemon was stopped, as by SIGSTOP */
#define FUSETRACE_STOP_HAS_STATUS (1u << 4)  /* status is known */

/* How it was ended. */
struct fusetrace_stop {
	uint32_t step;                          /* the last one that was needed, FUSETRACE_STOP_ */
	uint32_t flags;                         /* FUSETRACE_STOP_ bits */
	int32_t status;                         /* of the daemon, as waitpid(2) has it */
	uint32_t processes;                     /* how many it had */
	uint64_t step_ns[FUSETRACE_STOP_STEPS]; /* how long each step took */
};

/*
 * Unmounts, and waits for the end of the daemon; then SIGTERM, then SIGKILL and a lazy unmount. 0 when
 * neither mount nor process is left, also when called again. -EBUSY another mount covers it: nothing
 * was touched; -EPERM neither the caller's rights nor fusermount3 can unmount; -ETIMEDOUT something
 * is left after all steps. -EINTR (only with the flag): the same call goes on. What is about to be
 * ended by force is asked for its kernel stacks first (fusetrace_mount_last_stacks()).
 */
FUSETRACE_API int fusetrace_mount_stop(struct fusetrace_mount *mount,
				       const struct fusetrace_stop_opts *opts,
				       struct fusetrace_stop *ret_stop,
				       struct fusetrace_error *reterr_error);
/*
 * "unmounted in 12.3ms; the daemon ended with exit code 0", and the same as one JSON object. Writes at
 * most size bytes with a final NUL and returns the length that it would have, as snprintf(3).
 */
FUSETRACE_API int fusetrace_stop_text(const struct fusetrace_stop *stop, char *buffer, size_t size);
FUSETRACE_API int fusetrace_stop_json(const struct fusetrace_stop *stop, char *buffer, size_t size);

/*
 * Ends whatever waits in the mount: its requests fail with ECONNABORTED, later ones with ENOTCONN.
 * -ENOENT: it is not there, or not ours any more; -ENOMEDIUM: fusectl is not mounted at
 * /sys/fs/fuse/connections; -EACCES, -EPERM, -EROFS. Any thread.
 */
FUSETRACE_API int fusetrace_mount_abort(struct fusetrace_mount *mount);
/*
 * Where all threads of the daemon, and those that wait for it, stand in the kernel (for others than
 * root only the function): text for a person; with FUSETRACE_ON_HANG_ABORT the connection is aborted
 * then. 0; -ENOMEM, or what fusetrace_mount_abort() returned. Any thread. fusetrace_mount_last_stacks()
 * gives what was taken last; NULL: nothing was; valid until the next call that takes them.
 */
FUSETRACE_API int fusetrace_mount_take_stacks(struct fusetrace_mount *mount, uint32_t on_hang);
FUSETRACE_API const char *fusetrace_mount_last_stacks(struct fusetrace_mount *mount);

/* The process that was started; others may have taken over from it. Any thread. */
FUSETRACE_API pid_t fusetrace_mount_pid(const struct fusetrace_mount *mount);
/*
 * 1 and how the process that was started ended, as waitpid(2) has it; 0: it runs; -ENODATA: ended, and
 * somebody else has reaped it. Any thread.
 */
FUSETRACE_API int fusetrace_mount_status(struct fusetrace_mount *mount, int *ret_status);
/* Its processes that run now; returns how many there are, fills max. Any thread. */
FUSETRACE_API int fusetrace_mount_pids(struct fusetrace_mount *mount, pid_t *pids, int max);
/*
 * For event loops: a descriptor that is readable when fusetrace_mount_check() is worth a call, which
 * never blocks and returns how many of its processes run. Owned by mount.
 */
FUSETRACE_API int fusetrace_mount_fd(const struct fusetrace_mount *mount);
FUSETRACE_API int fusetrace_mount_check(struct fusetrace_mount *mount);
/*
 * How the daemon ended, be it the process that was started or one in the background: 1 and a status as
 * waitpid(2) has it, 0: it is not known yet, or not told.
 */
FUSETRACE_API int fusetrace_mount_outcome(struct fusetrace_mount *mount, int *ret_status);
/* Where it is mounted, as /proc/self/mountinfo has it; NULL until that is known. Owned by mount. */
FUSETRACE_API const char *fusetrace_mount_point(const struct fusetrace_mount *mount);
/* The connection that it was seen with, as major << 20 | minor of its device; 0: none yet. */
FUSETRACE_API uint32_t fusetrace_mount_connection(const struct fusetrace_mount *mount);
/* As fusetrace_log_lines(); none of an output that the caller has given a descriptor for. */
FUSETRACE_API int fusetrace_mount_log_lines(struct fusetrace_mount *mount, fusetrace_line_fn *fn,
					    void *data);

/* ---- summaries ----------------------------------------------------------------------------- */

/* Counts and durations per operation name. One thread at a time. */
struct fusetrace_summary;
struct fusetrace_summary_row {
	const char *op;      /* static */
	const char *slowest; /* path of the slowest one or NULL; owned by the summary */
	uint64_t count;
	uint64_t failed; /* without probes */
	uint64_t probes; /* failures that the kernel expects */
	uint64_t timed;  /* how many have a duration; the times below are of those */
	uint64_t total_ns;
	uint64_t p50_ns, p95_ns, p99_ns; /* within 3 % */
	uint64_t max_ns;
	uint64_t bytes; /* read or written */
};
FUSETRACE_API int fusetrace_summary_new(struct fusetrace_summary **ret_summary);
FUSETRACE_API struct fusetrace_summary *fusetrace_summary_free(struct fusetrace_summary *summary);
FUSETRACE_API int fusetrace_summary_add(struct fusetrace_summary *summary,
					const struct fusetrace_op *op);
/*
 * Adds the totals of the monitor since its start, after a barrier; they outlive the history's
 * limit.
 */
FUSETRACE_API int fusetrace_summary_add_monitor(struct fusetrace_summary *summary,
						struct fusetrace_monitor *monitor);
/* Row number index, most frequent first; -ERANGE behind the last one. */
FUSETRACE_API int fusetrace_summary_get(struct fusetrace_summary *summary, size_t index,
					struct fusetrace_summary_row *ret_row);

/* ---- guardian: nothing is left behind ------------------------------------------------------- */

/*
 * A small process, fusetrace-guardian(8), that takes away what this process leaves behind when it
 * ends without doing so itself: killed by SIGKILL or for want of memory, by abort(), _exit(), exec.
 * It is started with the first entry and ends with this process. It never touches what is not an
 * entry. Any thread; a forked child has no entries. All return a negative errno on failure: the
 * program cannot be started, which is also logged once; callers go on without it.
 */

/* Where the program is: an absolute path, copied. NULL (the default): where it was installed. */
FUSETRACE_API int fusetrace_set_guardian(const char *program);
/*
 * A filesystem that is about to be mounted on mountpoint by a process that has mark,
 * "FUSETRACE_DAEMON=<your pid>-<random>", in its environment; to be called before it is started. The
 * number of the entry, > 0. What goes: the mount, once it is there, and all processes with the mark.
 * A mountpoint with links or ".." in it is found only when the mount has been confirmed. -EINVAL: it is
 * no such mark.
 */
FUSETRACE_API int fusetrace_guard_mount(const char *mountpoint, const char *mark);
/*
 * It is mounted: connection is its device number as in /proc/self/mountinfo, major << 20 | minor,
 * identity the inode of /sys/fs/fuse/connections/CONNECTION, 0 if unknown. 0; -ENOENT no entry.
 */
FUSETRACE_API int fusetrace_guard_mounted(int entry, uint32_t connection, uint64_t identity);
/*
 * A directory to remove with all that is in it, after the mounts; never through a mount, and only
 * while it is the same directory. For one that is about to be made: whatever directory of this user is
 * there then; once it is made register it again, and forget the first entry. The number of the entry,
 * > 0; errors also as stat(2); -EINVAL: the path is empty.
 */
FUSETRACE_API int fusetrace_guard_directory(const char *path);
/* It has been taken away. What is no entry is ignored. */
FUSETRACE_API void fusetrace_guard_forget(int entry);

/* ---- emitter: for filesystems that report their own operations ------------------------------- */

/*
 * One finished operation as a filesystem knows it. Times are CLOCK_MONOTONIC; op is a name of
 * fusetrace_op_name_next(). A number whose bit (1 << FUSETRACE_FIELD_...) is not in present is left
 * out of the line, but for errno, which is always told; a bit without a member here is -EINVAL.
 * Strings are left out when NULL.
 */
struct fusetrace_emit {
	size_t sz; /* sizeof, set by FUSETRACE_EMIT() */
	const char *op;
	const char *path;
	const char *path2;
	const char *xattr;
	uint32_t present;
	int32_t error; /* positive errno, 0 = completed */
	uint64_t start_ns;
	uint64_t duration_ns;
	uint64_t pid, uid, gid, fh, offset, size, reply_size, mode, flags;
};
#define FUSETRACE_EMIT(...)                                                                        \
	(&(struct fusetrace_emit){.sz = sizeof(struct fusetrace_emit), __VA_ARGS__})

/*
 * Writes it to fd as one JSON line with one write(2), so that threads do not mix. The line is what
 * fusetrace_op_json() gives and `fusetrace read` takes. 0 or a negative errno.
 */
FUSETRACE_API int fusetrace_emit(int fd, const struct fusetrace_emit *emit);

#ifdef __cplusplus
}
#endif

#endif
