/* SPDX-License-Identifier: MIT */
/*
 * The kernel source of source_kernel.h. The BPF side is bpf/; this is the only file that includes its
 * skeleton.
 */
#include "source_kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/mount.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "../../bpf/record.h" /* before the skeleton, which has its structs */

#include "fusetrace.skel.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "op/opcode.h"
#include "ring.h"
#include "wire.h"

#define OPCODE_INIT 26

#define RING_BYTES_BY_DEFAULT (16u << 20)
#define RING_BYTES_MIN 4096
#define RING_BYTES_MAX (1u << 30)
/* How many cached inodes the resolver looks at for one nodeid, newest first. */
#define RESOLVE_INODES_MAX 200000
/* Answers of a snapshot, each of some thousand names: what is behind them is left to the resolver.
 */
#define SNAPSHOT_RUNS_MAX 500
/* What libbpf opens for the program, its maps and types. */
#define DESCRIPTORS_NEEDED 24

struct ft_kernel {
	struct fusetrace_bpf *bpf;
	struct ft_ring ring;
};

/* ---- loading ---- */

static int collect_log(enum libbpf_print_level level, const char *format, va_list arguments)
{
	char text[400];

	if (level > LIBBPF_WARN)
		return 0;
	vsnprintf(text, sizeof(text), format, arguments);
	text[strcspn(text, "\n")] = '\0';
	ft_log(7, "%s", text);
	return 0;
}

/* libbpf says -EINVAL when it cannot open one more descriptor. */
static bool are_descriptors_short(void)
{
	int lowest FT_AUTO_CLOSE = open("/", O_PATH | O_CLOEXEC);
	struct rlimit limit;

	return lowest < 0 || (getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
			      (rlim_t)lowest + DESCRIPTORS_NEEDED > limit.rlim_cur);
}

static int explain(int error, struct fusetrace_error *reterr_error)
{
	if (error == -EINVAL && are_descriptors_short())
		error = -EMFILE;

	switch (-error) {
	case EPERM:
	case EACCES:
		return ft_error(reterr_error, -EPERM,
				"the kernel source needs CAP_BPF and CAP_PERFMON: run as root, or "
				"setcap cap_bpf,cap_perfmon+ep on the program");
	case ESRCH:
	case ENOENT:
		return ft_error(reterr_error, -EOPNOTSUPP,
				"this kernel lacks the tracepoints fuse_request_send and "
				"fuse_request_end (Linux 6.11): use a newer kernel");
	case EMFILE:
		return ft_error(reterr_error, error,
				"cannot load the BPF program: %s: it needs %d descriptors, raise "
				"'ulimit -n'",
				fusetrace_strerror(error), DESCRIPTORS_NEEDED);
	default:
		return ft_error(reterr_error, error, "cannot load the BPF program: %s",
				fusetrace_strerror(error));
	}
}

/* The two tracepoints, by the types that the kernel describes them with. */
static int check_tracepoints(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int r = 0;

	if (!btf)
		return -errno;
	if (btf__find_by_name_kind(btf, "btf_trace_fuse_request_send", BTF_KIND_TYPEDEF) < 0 ||
	    btf__find_by_name_kind(btf, "btf_trace_fuse_request_end", BTF_KIND_TYPEDEF) < 0)
		r = -ESRCH;
	btf__free(btf);
	return r;
}

static int check_rights(void)
{
	LIBBPF_OPTS(bpf_prog_load_opts, options);
	const struct bpf_insn nothing[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_TRACEPOINT, "ft_check", "GPL", nothing, 2, &options);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

int ft_kernel_check(struct fusetrace_error *reterr_error)
{
	libbpf_print_fn_t before = libbpf_set_print(collect_log);
	int r = check_rights();

	if (r == 0)
		r = check_tracepoints();
	libbpf_set_print(before);
	return r < 0 ? explain(r, reterr_error) : 0;
}

static int open_and_load(struct ft_kernel *kernel, uint64_t ring_bytes, bool with_holders)
{
	int r;

	kernel->bpf = fusetrace_bpf__open();
	if (!kernel->bpf)
		return -errno;
	bpf_program__set_autoload(kernel->bpf->progs.holders, with_holders);
	kernel->bpf->rodata->wake_bytes = (uint32_t)(ring_bytes / 4);
	kernel->bpf->rodata->clock_offset_ns = ft_clock_offset_ns();
	r = bpf_map__set_max_entries(kernel->bpf->maps.ring, (uint32_t)ring_bytes);
	if (r == 0)
		r = fusetrace_bpf__load(kernel->bpf);
	if (r == 0)
		r = fusetrace_bpf__attach(kernel->bpf);
	return r;
}

/*
 * To look for the tracepoints takes as long as to load, so it explains a failure only. Who holds a
 * connection can be told in another way: a kernel of later days need not have that.
 */
static int load_programs(struct ft_kernel *kernel, uint64_t ring_bytes)
{
	int r = open_and_load(kernel, ring_bytes, true);

	if (r == 0)
		return 0;
	fusetrace_bpf__destroy(kernel->bpf);
	kernel->bpf = NULL;
	r = check_tracepoints();
	return r < 0 ? r : open_and_load(kernel, ring_bytes, false);
}

static int load(struct ft_kernel *kernel, uint64_t ring_bytes)
{
	libbpf_print_fn_t before = libbpf_set_print(collect_log);
	int r = check_rights();

	if (r == 0)
		r = load_programs(kernel, ring_bytes);
	if (r == 0)
		r = ft_ring_init(&kernel->ring, bpf_map__fd(kernel->bpf->maps.ring), ring_bytes);
	libbpf_set_print(before);
	return r;
}

int ft_kernel_new(uint64_t ring_bytes, struct ft_kernel **ret_kernel,
		  struct fusetrace_error *reterr_error)
{
	struct ft_kernel *kernel;
	int r;

	ring_bytes = ring_bytes ? ring_bytes : RING_BYTES_BY_DEFAULT;
	if (ring_bytes < RING_BYTES_MIN || ring_bytes > RING_BYTES_MAX ||
	    (ring_bytes & (ring_bytes - 1)))
		return ft_error(reterr_error, -EINVAL,
				"ring size %llu: a power of two from %u to %u is needed",
				(unsigned long long)ring_bytes, RING_BYTES_MIN, RING_BYTES_MAX);
	kernel = calloc(1, sizeof(*kernel));
	if (!kernel)
		return -ENOMEM;
	r = load(kernel, ring_bytes);
	if (r < 0) {
		ft_kernel_free(kernel);
		return explain(r, reterr_error);
	}
	*ret_kernel = kernel;
	return 0;
}

struct ft_kernel *ft_kernel_free(struct ft_kernel *kernel)
{
	if (!kernel)
		return NULL;
	ft_ring_done(&kernel->ring);
	fusetrace_bpf__destroy(kernel->bpf);
	free(kernel);
	return NULL;
}

/* ---- settings ---- */

int ft_kernel_fd(const struct ft_kernel *kernel)
{
	return bpf_map__fd(kernel->bpf->maps.ring);
}

int ft_kernel_holders_fd(const struct ft_kernel *kernel)
{
	return kernel->bpf->links.holders ? bpf_link__fd(kernel->bpf->links.holders) : -1;
}

/* Its row, else a free one that it may have, else NULL. */
static struct ft_connection *find_row(const struct ft_kernel *kernel, uint32_t connection,
				      bool or_free)
{
	struct ft_connection *rows = &kernel->bpf->bss->connections[FT_CONNECTION_SLOT(connection)];
	struct ft_connection *free_row = NULL;

	for (int i = FT_CONNECTION_PROBES - 1; i >= 0; i--) {
		uint32_t state = __atomic_load_n(&rows[i].state, __ATOMIC_ACQUIRE);

		if (state == FT_CONNECTION_FREE)
			free_row = &rows[i];
		else if (rows[i].connection == connection)
			return &rows[i];
	}
	return or_free ? free_row : NULL;
}

int ft_kernel_trace(struct ft_kernel *kernel, uint32_t connection, bool is_traced)
{
	struct ft_connection *row = find_row(kernel, connection, true);

	if (!row)
		return -ENOSPC;
	row->connection = connection;
	row->lost = 0;
	__atomic_store_n(&row->state, is_traced ? FT_CONNECTION_TRACED : FT_CONNECTION_EXCLUDED,
			 __ATOMIC_RELEASE);
	return 0;
}

void ft_kernel_forget(struct ft_kernel *kernel, uint32_t connection)
{
	struct ft_connection *row = find_row(kernel, connection, false);

	if (row)
		__atomic_store_n(&row->state, FT_CONNECTION_FREE, __ATOMIC_RELEASE);
}

void ft_kernel_take_unknown(struct ft_kernel *kernel, bool take)
{
	__atomic_store_n(&kernel->bpf->bss->take_unknown, (uint32_t)take, __ATOMIC_SEQ_CST);
}

void ft_kernel_await(struct ft_kernel *kernel, uint64_t ends)
{
	__atomic_store_n(&kernel->bpf->bss->awaited_end, ends, __ATOMIC_SEQ_CST);
}

/* ---- records ---- */

struct drain {
	ft_kernel_record_fn *fn;
	void *data;
};

static void on_record(const void *record, size_t size, void *data)
{
	const struct drain *drain = data;

	if (size >= sizeof(struct ft_record))
		drain->fn(record, drain->data);
}

int ft_kernel_drain(struct ft_kernel *kernel, ft_kernel_record_fn *fn, void *data)
{
	struct drain drain = {fn, data};

	return ft_ring_drain(&kernel->ring, on_record, &drain);
}

size_t ft_kernel_record_size(const struct ft_record *record)
{
	return sizeof(*record) + record->size;
}

bool ft_kernel_is_first(const struct ft_record *record)
{
	return record->opcode == OPCODE_INIT && record->kind == FT_RECORD_BEGIN;
}

bool ft_kernel_event(const struct ft_record *record, struct ft_event *ret_event)
{
	const void *args = record + 1;

	*ret_event = (struct ft_event){
		.key = record->key,
		.time_ns = record->time_ns,
		.opcode = record->opcode,
		.present = FT_HAS(NODEID) | FT_HAS(PID) | FT_HAS(UID) | FT_HAS(GID),
		.unique = record->unique,
		.nodeid = record->nodeid,
		.pid = record->pid,
		.uid = record->uid,
		.gid = record->gid,
		.error = -record->error,
	};
	if (record->unique)
		ret_event->present |= FT_HAS(UNIQUE);
	if (record->kind == FT_RECORD_BEGIN) {
		ret_event->thread = record->thread;
		ft_wire_request(ret_event, args, record->size, record->total);
		return true;
	}
	if (record->error == 0)
		ft_wire_reply(ret_event, args, record->size, record->total);
	return false;
}

uint64_t ft_kernel_lost_any(const struct ft_kernel *kernel)
{
	return __atomic_load_n(&kernel->bpf->bss->lost_any, __ATOMIC_RELAXED);
}

uint64_t ft_kernel_lost(const struct ft_kernel *kernel, uint32_t connection)
{
	const struct ft_connection *row = find_row(kernel, connection, false);

	return row ? __atomic_load_n(&row->lost, __ATOMIC_RELAXED) : ft_kernel_lost_unknown(kernel);
}

uint64_t ft_kernel_lost_unknown(const struct ft_kernel *kernel)
{
	return __atomic_load_n(&kernel->bpf->bss->lost_unknown, __ATOMIC_RELAXED);
}

/* ---- snapshot ---- */

/*
 * A descriptor on the mount that keeps nobody from unmounting: on a copy of it where we may make
 * one. Neither sends a request.
 */
static int open_mount(const char *mountpoint)
{
	int fd = (int)syscall(SYS_open_tree, AT_FDCWD, mountpoint,
			      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (fd < 0)
		fd = open(mountpoint, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static void tell_names(struct ft_bytes answer, ft_kernel_name_fn *fn, void *data)
{
	while (answer.length >= FT_SNAPSHOT_HEAD) {
		uint64_t nodeid, directory;
		uint16_t head;
		size_t length;

		memcpy(&nodeid, answer.data, 8);
		memcpy(&directory, answer.data + 8, 8);
		memcpy(&head, answer.data + 16, 2);
		length = head & ~FT_SNAPSHOT_GONE;
		if (length > answer.length - FT_SNAPSHOT_HEAD)
			return;
		fn(directory, (struct ft_bytes){answer.data + FT_SNAPSHOT_HEAD, length}, nodeid,
		   head & FT_SNAPSHOT_GONE, data);
		answer.data += FT_SNAPSHOT_HEAD + length;
		answer.length -= FT_SNAPSHOT_HEAD + length;
	}
}

int ft_kernel_snapshot(struct ft_kernel *kernel, const char *mountpoint, ft_kernel_name_fn *fn,
		       void *data, uint64_t *ret_super)
{
	int fd FT_AUTO_CLOSE = open_mount(mountpoint);
	struct ft_snapshot context = {.fd = fd, .inodes_max = RESOLVE_INODES_MAX};
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = &context, .ctx_size_in = sizeof(context));

	if (fd < 0)
		return fd;
	for (int i = 0; i < SNAPSHOT_RUNS_MAX; i++) {
		int r = bpf_prog_test_run_opts(bpf_program__fd(kernel->bpf->progs.snapshot),
					       &options);

		if (r < 0)
			return r;
		*ret_super = context.super;
		if (context.size > FT_CHAIN_SIZE)
			return -EPROTO;
		tell_names((struct ft_bytes){(const char *)kernel->bpf->bss->chain, context.size},
			   fn, data);
		if (!context.at)
			break;
	}
	return 0;
}

/* ---- resolver ---- */

struct level {
	uint64_t nodeid;
	struct ft_bytes name;
};

/* Takes one level off the chain; false at its end. */
static bool next_level(struct ft_bytes *chain, struct level *ret_level)
{
	uint16_t length;

	if (chain->length < 10)
		return false;
	memcpy(&ret_level->nodeid, chain->data, 8);
	memcpy(&length, chain->data + 8, 2);
	if (chain->length - 10 < length)
		return false;
	ret_level->name = (struct ft_bytes){chain->data + 10, length};
	chain->data += 10 + length;
	chain->length -= 10 + (size_t)length;
	return true;
}

bool ft_kernel_resolve(struct ft_kernel *kernel, uint64_t super, struct ft_nodes *nodes,
		       uint64_t nodeid)
{
	struct ft_resolve context = {
		.super = super,
		.nodeid = nodeid,
		.inodes_max = RESOLVE_INODES_MAX,
	};
	/* A program of this type writes its answer back into ctx_in. */
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = &context, .ctx_size_in = sizeof(context));
	struct level level, parent;
	struct ft_bytes chain;

	if (!super || bpf_prog_test_run_opts(bpf_program__fd(kernel->bpf->progs.resolve), &options))
		return false;
	if (!context.found || context.size > FT_CHAIN_SIZE)
		return false;
	chain = (struct ft_bytes){(const char *)kernel->bpf->bss->chain, context.size};
	if (!next_level(&chain, &level))
		return false;
	while (next_level(&chain, &parent)) {
		ft_nodes_add(nodes, parent.nodeid, level.name, level.nodeid);
		level = parent;
	}
	ft_nodes_add(nodes, FT_NODE_ROOT, level.name, level.nodeid);
	if (context.deleted)
		ft_nodes_set_unlinked(nodes, nodeid);
	return true;
}
