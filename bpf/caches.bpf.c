/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What the kernel has cached of a mount: the names of one node, and those of all. The programs read
 * memory that is there; no daemon is asked, nothing is pinned.
 */
#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#include "bound.h"
#include "kernel.h"
#include "record.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* The answer; one caller at a time. */
__u8 chain[FT_CHAIN_SIZE];
/* Bytes of chain in use: a global, as the verifier would follow each value of a local. */
__u32 chain_used;

/* ---- resolver: one nodeid ---- */

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

/* ---- snapshot: all names, when a trace begins ---- */

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
