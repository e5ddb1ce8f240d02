/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Which processes hold a FUSE connection that is not over. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#include "kernel.h"
#include "record.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

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
