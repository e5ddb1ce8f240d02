/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The kernel side: copies each FUSE request and reply of the traced connections into one ring, as
 * it is, and counts what did not fit. It decodes nothing and changes nothing; the library does the
 * rest (lib/source/source_kernel.c).
 *
 * What costs is not the copy but waking the reader, so a record wakes it only when somebody waits
 * for that opcode right now or the ring fills up. See ARCHITECTURE.md, "The kernel source".
 */
#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "bound.h"
#include "kernel.h"
#include "record.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* Bytes in the ring from which the reader is woken in any case; set before load. */
const volatile __u32 wake_bytes = 1 << 20;
/* What the CLOCK_MONOTONIC of the reader is ahead of ours: it may be in a time namespace. */
const volatile __s64 clock_offset_ns = 0;

/* Opcodes whose begin or end somebody waits for: bit = opcode, bit 63 all from 63 on. */
__u64 awaited_begin;
__u64 awaited_end;
/* Also take connections that have no row: a mount is about to appear. */
__u32 take_unknown;
/* Records lost on unknown connections; the others are counted in their row. */
__u64 lost_unknown;
/* Changes whenever any count of lost records does. */
__u64 lost_any;
/* Written by user space, but for `lost` and the end of an exclusion. */
struct ft_connection connections[FT_CONNECTION_ROWS];

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 << 20);
} ring SEC(".maps");

struct small_record {
	struct ft_record head;
	__u8 data[FT_DATA_SMALL];
};

struct large_record {
	struct ft_record head;
	__u8 data[FT_DATA_LARGE];
};

#define FUSE_INIT 26
#define FUSE_READDIRPLUS 44
#define FUSE_HEADER_IN 40
#define FUSE_HEADER_OUT 16

struct arg {
	__u32 size;
	const void *value;
};

/* Appends arg behind *used bytes of data, which has room for 2 * half. */
static __always_inline void append(__u8 *data, __u64 *used, const struct arg *arg, __u64 half)
{
	__u64 size = BOUND(arg->size, half);
	__u64 at = *used;

	asm volatile("" : "+r"(at));
	if (at > half || size == 0)
		return;
	if (bpf_probe_read_kernel(data + at, size, arg->value) == 0)
		*used = at + size;
}

static __always_inline __u64 submit_flags(__u64 awaited, __u32 opcode)
{
	__u64 bit = 1ull << (opcode < 63 ? opcode : 63);

	if (awaited & bit)
		return BPF_RB_FORCE_WAKEUP;
	if (bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) > wake_bytes)
		return BPF_RB_FORCE_WAKEUP;
	return BPF_RB_NO_WAKEUP;
}

/*
 * Between reserving a record and reading the awaited set there must be a full barrier: a waiter
 * sets the bit, reads the producer position and sleeps; either it sees our reservation or we see
 * its bit.
 */
static __always_inline void full_barrier(void)
{
	__u64 word = 0;

	__sync_lock_test_and_set(&word, 1);
}

/*
 * Number of the connection's row, or FT_CONNECTION_ROWS. A function of its own, which is verified once: what
 * comes behind it would else be followed for each row that it may be, and loading take half as long again.
 */
__noinline __u32 number_of_row(__u32 connection)
{
	__u32 slot = FT_CONNECTION_SLOT(connection);

	asm volatile("" : "+r"(slot));
	if (slot >= FT_CONNECTION_SLOTS)
		return FT_CONNECTION_ROWS;
	for (int i = 0; i < FT_CONNECTION_PROBES; i++) {
		struct ft_connection *row = &connections[slot + i];

		if (row->connection == connection && row->state != FT_CONNECTION_FREE)
			return slot + i;
	}
	return FT_CONNECTION_ROWS;
}

static __always_inline struct ft_connection *find_row(__u32 connection)
{
	__u64 number = number_of_row(connection);

	if (number >= FT_CONNECTION_ROWS)
		return NULL;
	asm volatile("" : "+r"(number)); /* the row behind the check, not before it */
	return &connections[number];
}

static __always_inline bool is_traced(const struct fuse_req *req, struct ft_connection **ret_row)
{
	struct ft_connection *row = find_row(req->fm->fc->dev);

	*ret_row = row;
	return row ? row->state == FT_CONNECTION_TRACED : take_unknown;
}

/* The kernel gives numbers out again: an INIT is a new mount's, which nobody has excluded. */
static __always_inline void end_exclusion(const struct fuse_req *req)
{
	struct ft_connection *row;

	if (req->in.h.opcode != FUSE_INIT)
		return;
	row = find_row(req->fm->fc->dev);
	if (row && row->state == FT_CONNECTION_EXCLUDED)
		row->state = FT_CONNECTION_FREE;
}

static __always_inline void count_lost(struct ft_connection *row)
{
	__sync_fetch_and_add(row ? &row->lost : &lost_unknown, 1);
	__sync_fetch_and_add(&lost_any, 1);
}

static __always_inline void fill_head(struct ft_record *head, const struct fuse_req *req, int kind,
				      __u64 used)
{
	__u64 id = bpf_get_current_pid_tgid();

	head->time_ns = bpf_ktime_get_ns() + clock_offset_ns;
	head->key = (__u64)req;
	head->super = (__u64)req->fm->sb;
	head->unique = req->in.h.unique;
	head->nodeid = req->in.h.nodeid;
	head->connection = req->fm->fc->dev;
	head->opcode = req->in.h.opcode;
	head->uid = req->in.h.uid;
	head->gid = req->in.h.gid;
	head->pid = req->in.h.pid;
	head->size = used;
	head->kind = kind;
	head->reserved = 0;
	head->thread = (__u32)id;
	head->process = id >> 32;
}

static __always_inline void load_in(struct arg *arg, const struct fuse_args *args, int index)
{
	arg->size = args->in_args[index].size;
	arg->value = args->in_args[index].value;
}

/*
 * The args of a request. in_args grew from 3 to 4 with "fuse: add a per-op in_args header for
 * io-uring" (6.14); there the first one may be empty. In-kernel pages take the last place.
 */
static __always_inline __u32 load_request(const struct fuse_args *args, struct arg *in)
{
	__u32 count = args->in_numargs;

	if (BPF_CORE_READ_BITFIELD(args, in_pages) && count)
		count--;
	if (count > 0)
		load_in(&in[0], args, 0);
	if (count > 1)
		load_in(&in[1], args, 1);
	if (count > 2)
		load_in(&in[2], args, 2);
	if (bpf_core_field_exists(args->in_args[3]) && count > 3)
		load_in(&in[3], args, 3);
	return in[0].size + in[1].size + in[2].size + in[3].size;
}

SEC("tp_btf/fuse_request_send")
int BPF_PROG(on_request, const struct fuse_req *req)
{
	struct arg in[4] = {};
	struct ft_connection *row;
	struct small_record *small;
	struct large_record *large;
	__u64 used = 0;

	end_exclusion(req);
	if (!is_traced(req, &row))
		return 0;
	if (load_request(req->args, in) <= FT_DATA_SMALL / 2) {
		small = bpf_ringbuf_reserve(&ring, sizeof(*small), 0);
		if (!small) {
			count_lost(row);
			return 0;
		}
		append(small->data, &used, &in[0], FT_DATA_SMALL / 2);
		append(small->data, &used, &in[1], FT_DATA_SMALL / 2);
		append(small->data, &used, &in[2], FT_DATA_SMALL / 2);
		append(small->data, &used, &in[3], FT_DATA_SMALL / 2);
		fill_head(&small->head, req, FT_RECORD_BEGIN, used);
		small->head.error = 0;
		small->head.total = req->in.h.len - FUSE_HEADER_IN;
		full_barrier();
		bpf_ringbuf_submit(small, submit_flags(awaited_begin, req->in.h.opcode));
		return 0;
	}
	large = bpf_ringbuf_reserve(&ring, sizeof(*large), 0);
	if (!large) {
		count_lost(row);
		return 0;
	}
	append(large->data, &used, &in[0], FT_DATA_LARGE / 2);
	append(large->data, &used, &in[1], FT_DATA_LARGE / 2);
	append(large->data, &used, &in[2], FT_DATA_LARGE / 2);
	append(large->data, &used, &in[3], FT_DATA_LARGE / 2);
	fill_head(&large->head, req, FT_RECORD_BEGIN, used);
	large->head.error = 0;
	large->head.total = req->in.h.len - FUSE_HEADER_IN;
	full_barrier();
	bpf_ringbuf_submit(large, submit_flags(awaited_begin, req->in.h.opcode));
	return 0;
}

/*
 * The entries of a READDIRPLUS reply give nodeids to names without a LOOKUP. They are in a plain
 * buffer since "fuse: increase readdir buffer size" (6.16); before, in pages, which are not read.
 */
struct listing_walk {
	const struct fuse_req *req;
	struct ft_connection *row;
	const char *value;
	__u64 size;
};

/* One piece of a listing. Verified once, other than the body of a loop. */
static long visit_piece(__u64 index, struct listing_walk *walk)
{
	__u64 at = index * FT_DATA_LARGE;
	struct large_record *piece;
	__u64 length;

	if (at >= walk->size)
		return 1;
	piece = bpf_ringbuf_reserve(&ring, sizeof(*piece), 0);
	if (!piece) {
		count_lost(walk->row);
		return 1;
	}
	length = BOUND(walk->size - at, FT_DATA_LARGE);
	if (bpf_probe_read_kernel(piece->data, length, walk->value + at))
		length = 0;
	fill_head(&piece->head, walk->req, FT_RECORD_LISTING, length);
	piece->head.error = 0;
	piece->head.total = at;
	bpf_ringbuf_submit(piece, BPF_RB_NO_WAKEUP);
	return 0;
}

static __always_inline void capture_listing(const struct fuse_req *req, struct ft_connection *row)
{
	struct listing_walk walk = {
		.req = req,
		.row = row,
		.value = req->args->out_args[0].value,
		.size = req->args->out_args[0].size,
	};

	bpf_loop(FT_LISTING_PIECES, visit_piece, &walk, 0);
}

static __always_inline bool is_listing(const struct fuse_req *req)
{
	return req->in.h.opcode == FUSE_READDIRPLUS && req->out.h.error == 0 &&
	       !BPF_CORE_READ_BITFIELD(req->args, out_pages);
}

SEC("tp_btf/fuse_request_end")
int BPF_PROG(on_reply, const struct fuse_req *req)
{
	const struct fuse_args *args = req->args;
	struct arg out[2] = {};
	struct ft_connection *row;
	struct small_record *small;
	__u64 used = 0;
	__u32 count;

	if (!is_traced(req, &row))
		return 0;
	if (is_listing(req))
		capture_listing(req, row);
	small = bpf_ringbuf_reserve(&ring, sizeof(*small), 0);
	if (!small) {
		count_lost(row);
		return 0;
	}
	count = req->out.h.error ? 0 : args->out_numargs;
	if (BPF_CORE_READ_BITFIELD(args, out_pages) && count)
		count--;
	if (count > 0) {
		out[0].size = args->out_args[0].size;
		out[0].value = args->out_args[0].value;
		append(small->data, &used, &out[0], FT_DATA_SMALL / 2);
	}
	if (count > 1) {
		out[1].size = args->out_args[1].size;
		out[1].value = args->out_args[1].value;
		append(small->data, &used, &out[1], FT_DATA_SMALL / 2);
	}
	fill_head(&small->head, req, FT_RECORD_END, used);
	small->head.error = req->out.h.error;
	small->head.total = req->out.h.len > FUSE_HEADER_OUT ? req->out.h.len - FUSE_HEADER_OUT : 0;
	full_barrier();
	bpf_ringbuf_submit(small, submit_flags(awaited_end, req->in.h.opcode));
	return 0;
}
