/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The kernel's structures, as far as the BPF program reads them. Offsets are relocated when the
 * program is loaded (CO-RE), so only names and types matter. Differences between kernels are
 * handled where they matter, each with the commit that made it.
 */
#ifndef FT_BPF_KERNEL_H
#define FT_BPF_KERNEL_H

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct list_head {
	struct list_head *next;
};

struct hlist_node {
	struct hlist_node *next;
};

struct hlist_head {
	struct hlist_node *first;
};

struct hlist_bl_node {
	struct hlist_bl_node **pprev;
};

struct qstr {
	__u32 len;
	const unsigned char *name;
};

struct dentry {
	struct hlist_bl_node d_hash;
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
	union {
		struct hlist_node d_alias;
	} d_u;
};

struct super_block {
	struct list_head s_inodes;
	__u32 s_dev;
};

struct inode {
	__u32 i_rdev;
	struct super_block *i_sb;
	struct list_head i_sb_list;
	struct hlist_head i_dentry;
};

struct vfsmount {
	struct super_block *mnt_sb;
};

struct path {
	struct vfsmount *mnt;
};

struct file {
	struct path f_path;
	struct inode *f_inode;
	void *private_data;
};

struct fdtable {
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct upid {
	int nr;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

struct task_struct {
	struct files_struct *files;
	struct task_struct *group_leader;
	struct pid *thread_pid;
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};

struct fuse_inode {
	struct inode inode;
	__u64 nodeid;
};

struct fuse_conn {
	__u32 dev;
	unsigned int connected;
};

struct fuse_dev {
	struct fuse_conn *fc;
};

struct fuse_mount {
	struct fuse_conn *fc;
	struct super_block *sb;
};

struct fuse_in_header {
	__u32 len;
	__u32 opcode;
	__u64 unique;
	__u64 nodeid;
	__u32 uid;
	__u32 gid;
	__u32 pid;
};

struct fuse_out_header {
	__u32 len;
	__s32 error;
};

struct fuse_in_arg {
	unsigned int size;
	const void *value;
};

struct fuse_arg {
	unsigned int size;
	void *value;
};

struct fuse_args {
	__u8 in_numargs;
	__u8 out_numargs;
	_Bool in_pages : 1;
	_Bool out_pages : 1;
	struct fuse_in_arg in_args[4];
	struct fuse_arg out_args[2];
};

struct fuse_req {
	struct fuse_args *args;
	struct {
		struct fuse_in_header h;
	} in;
	struct {
		struct fuse_out_header h;
	} out;
	struct fuse_mount *fm;
};

#pragma clang attribute pop

#endif
