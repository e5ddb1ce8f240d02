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

/* Keeps the compiler from undoing a bound that the verifier needs to see. */
#define BOUND(value, max)                                                                          \
	({                                                                                         \
		__u64 bounded_ = (value);                                                          \
		asm volatile("" : "+r"(bounded_));                                                 \
		if (bounded_ > (max))                                                              \
			bounded_ = (max);                                                          \
		bounded_;                                                                          \
	})

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

/* ---- resolver: nodeid -> names, from the kernel's own caches
 * -------------------------------------- */

/* Answer of the resolver; one caller at a time. */
__u8 chain[FT_CHAIN_SIZE];
/* Bytes of chain in use: a global, as the verifier would follow each value of a local. */
__u32 chain_used;

struct inode_walk {
	__u64 super;
	__u64 nodeid;
	const struct list_head *head;
	const struct list_head *at;
	const struct inode *found;
};

static const struct list_head *next_of(const struct list_head *node)
{
	return BPF_CORE_READ(node, next);
}

static const struct inode *inode_of(const struct list_head *node)
{
	return (const void *)node - bpf_core_field_offset(struct inode, i_sb_list);
}

/* One step along super_block.s_inodes; new inodes are at its front. */
static long visit_inode(__u64 index, struct inode_walk *walk)
{
	const struct inode *inode = inode_of(walk->at);
	const struct fuse_inode *fuse = (const void *)inode;
	const struct list_head *next = next_of(walk->at);

	if ((__u64)BPF_CORE_READ(inode, i_sb) == walk->super &&
	    BPF_CORE_READ(fuse, nodeid) == walk->nodeid) {
		walk->found = inode;
		return 1;
	}
	if (!next || next == walk->head)
		return 1;
	walk->at = next;
	return 0;
}

struct dentry_walk {
	const struct dentry *at;
	bool is_complete;
};

/* One level: appends nodeid and name of the dentry, then steps to its parent. */
static long visit_dentry(__u64 index, struct dentry_walk *walk)
{
	const struct dentry *dentry = walk->at;
	const struct dentry *parent = BPF_CORE_READ(dentry, d_parent);
	const struct fuse_inode *fuse = (const void *)BPF_CORE_READ(dentry, d_inode);
	const unsigned char *name = BPF_CORE_READ(dentry, d_name.name);
	__u64 length = BOUND(BPF_CORE_READ(dentry, d_name.len), FT_CHAIN_NAME_MAX);
	__u64 nodeid = fuse ? BPF_CORE_READ(fuse, nodeid) : 0;
	__u64 at = chain_used;

	if (parent == dentry || !parent) {
		walk->is_complete = true;
		return 1;
	}
	asm volatile("" : "+r"(at));
	if (at > FT_CHAIN_SIZE - FT_CHAIN_NAME_MAX - 16)
		return 1;
	__builtin_memcpy(&chain[at], &nodeid, 8);
	chain[at + 8] = length;
	chain[at + 9] = length >> 8;
	if (bpf_probe_read_kernel(&chain[at + 10], length, name))
		return 1;
	chain_used = at + 10 + length;
	walk->at = parent;
	return 0;
}

/*
 * Finds the cached inode of a nodeid and writes the names from it up to the root into chain. It
 * only reads memory that the kernel already has: the daemon gets no request, and the mount is not
 * pinned. A concurrent rename can give a mixture; the next request corrects it.
 */
SEC("syscall")
int resolve(struct ft_resolve *context)
{
	const struct super_block *super = (const void *)context->super;
	struct inode_walk inodes = {.super = context->super, .nodeid = context->nodeid};
	struct dentry_walk names = {};
	const struct hlist_node *alias;
	const struct dentry *dentry;
	const struct inode *inode;

	context->found = 0;
	inodes.head = (const void *)super + bpf_core_field_offset(struct super_block, s_inodes);
	inodes.at = next_of(inodes.head);
	if (!inodes.at || inodes.at == inodes.head)
		return 0;
	bpf_loop(context->inodes_max, visit_inode, &inodes, 0);
	inode = inodes.found;
	if (!inode)
		return 0;
	alias = BPF_CORE_READ(inode, i_dentry.first);
	if (!alias)
		return 0;
	dentry = (const void *)alias - bpf_core_field_offset(struct dentry, d_u.d_alias);
	context->deleted = BPF_CORE_READ(dentry, d_hash.pprev) == 0;
	names.at = dentry;
	chain_used = 0;
	bpf_loop(FT_CHAIN_DEPTH_MAX, visit_dentry, &names, 0);
	if (!names.is_complete)
		return 0;
	context->size = chain_used;
	context->found = 1;
	return 0;
}

/* ---- snapshot: what the kernel has cached of a mount, when a trace begins ---------------------
 */

/* Names of one inode that are taken; who has more hard links is found by the last ones used. */
#define ALIASES_MAX 4

struct snapshot_walk {
	__u64 super;
	const struct list_head *head;
	const struct list_head *at; /* the next one to look at */
};

/* false: chain is full. */
static bool append_name(__u64 nodeid, const struct dentry *dentry)
{
	const struct dentry *parent = BPF_CORE_READ(dentry, d_parent);
	const struct fuse_inode *directory = (const void *)BPF_CORE_READ(parent, d_inode);
	const unsigned char *name = BPF_CORE_READ(dentry, d_name.name);
	__u64 length = BOUND(BPF_CORE_READ(dentry, d_name.len), FT_CHAIN_NAME_MAX);
	__u64 directory_id = directory ? BPF_CORE_READ(directory, nodeid) : 0;
	__u64 at = chain_used;
	__u16 head = length;

	asm volatile("" : "+r"(at));
	if (at > FT_CHAIN_SIZE - FT_CHAIN_NAME_MAX - 2 * FT_SNAPSHOT_HEAD)
		return false;
	if (parent == dentry || !directory_id)
		return true;
	if (!BPF_CORE_READ(dentry, d_hash.pprev))
		head |= FT_SNAPSHOT_GONE;
	__builtin_memcpy(&chain[at], &nodeid, 8);
	__builtin_memcpy(&chain[at + 8], &directory_id, 8);
	__builtin_memcpy(&chain[at + 16], &head, 2);
	if (bpf_probe_read_kernel(&chain[at + FT_SNAPSHOT_HEAD], length, name) == 0)
		chain_used = at + FT_SNAPSHOT_HEAD + length;
	return true;
}

/* All names of one inode, or none of them when there is no room. */
static bool append_inode(const struct inode *inode)
{
	const struct fuse_inode *fuse = (const void *)inode;
	__u64 nodeid = BPF_CORE_READ(fuse, nodeid);
	const struct hlist_node *alias = BPF_CORE_READ(inode, i_dentry.first);

	for (int i = 0; i < ALIASES_MAX && alias; i++) {
		const struct dentry *dentry =
			(const void *)alias - bpf_core_field_offset(struct dentry, d_u.d_alias);

		if (!append_name(nodeid, dentry))
			return false;
		alias = BPF_CORE_READ(alias, next);
	}
	return true;
}

static long visit_cached(__u64 index, struct snapshot_walk *walk)
{
	const struct list_head *at = walk->at;
	const struct inode *inode = inode_of(at);

	if (at == walk->head || (__u64)BPF_CORE_READ(inode, i_sb) != walk->super) {
		walk->at = NULL;
		return 1;
	}
	if (!append_inode(inode))
		return 1;
	walk->at = next_of(at);
	return !walk->at;
}

static __u64 super_of(int fd)
{
	const struct task_struct *task = (const void *)bpf_get_current_task();
	struct file **table = BPF_CORE_READ(task, files, fdt, fd);
	const struct file *file = NULL;

	if (bpf_probe_read_kernel(&file, sizeof(file), &table[fd]) || !file)
		return 0;
	return (__u64)BPF_CORE_READ(file, f_path.mnt, mnt_sb);
}

/*
 * Writes the names of the mount's cached inodes into chain, as many as fit. Between two runs the
 * inode at which it goes on may have gone: then it ends early, and the rest is found by resolve.
 */
SEC("syscall")
int snapshot(struct ft_snapshot *context)
{
	__u64 super = context->super ? context->super : super_of(context->fd);
	const struct super_block *block = (const void *)super;
	struct snapshot_walk walk = {.super = super};

	chain_used = 0;
	context->super = super;
	context->size = 0;
	if (!super)
		return 0;
	walk.head = (const void *)block + bpf_core_field_offset(struct super_block, s_inodes);
	walk.at = context->at ? (const void *)context->at : next_of(walk.head);
	if (walk.at)
		bpf_loop(context->inodes_max, visit_cached, &walk, 0);
	context->at = (__u64)walk.at;
	context->size = chain_used;
	return 0;
}

/* ---- holders ---- */

/* The device number of /dev/fuse (linux/miscdevice.h), in the kernel's encoding. */
#define FUSE_DEVICE ((10 << 20) | 229)
/* Lowest bit of a file's private_data since 6.18: its INIT is waited for. */
#define FUSE_DEV_FLAGS 1UL
/* Of PID namespaces in each other (MAX_PID_NS_LEVEL). */
#define PID_LEVELS_MAX 32

/* The process's number in the PID namespace of who reads; 0: it has gone, or has none there. */
static __u32 pid_for_reader(struct task_struct *task)
{
	struct task_struct *reader = (void *)bpf_get_current_task();
	const char *pid = (const void *)BPF_CORE_READ(task, group_leader, thread_pid);
	unsigned int level = BPF_CORE_READ(reader, thread_pid, level);
	int number = 0;

	if (!pid || level > PID_LEVELS_MAX)
		return 0;
	pid += bpf_core_field_offset(struct pid, numbers) +
	       level * bpf_core_type_size(struct upid) + bpf_core_field_offset(struct upid, nr);
	bpf_probe_read_kernel(&number, sizeof(number), pid);
	return number;
}

/*
 * Called for each descriptor of each process of the reader's PID namespace. What /proc tells of them
 * takes twenty times as long, and does not tell which connections are over.
 */
SEC("iter/task_file")
int holders(struct bpf_iter__task_file *context)
{
	struct task_struct *task = context->task;
	struct file *file = context->file;
	struct ft_holder holder = {};
	struct fuse_conn *connection;
	struct fuse_dev *device;

	if (!task || !file || BPF_CORE_READ(file, f_inode, i_rdev) != FUSE_DEVICE)
		return 0;
	device = (void *)((unsigned long)BPF_CORE_READ(file, private_data) & ~FUSE_DEV_FLAGS);
	connection = BPF_CORE_READ(device, fc);
	if (!connection || !BPF_CORE_READ(connection, connected))
		return 0;
	holder.connection = BPF_CORE_READ(connection, dev);
	holder.pid = pid_for_reader(task);
	if (holder.pid)
		bpf_seq_write(context->meta->seq, &holder, sizeof(holder));
	return 0;
}
