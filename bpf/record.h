/* SPDX-License-Identifier: MIT */
/*
 * What the BPF program and the library say to each other: the record in the ring, and the buffers
 * of the resolver. Fixed-width fields, explicit padding, sizes asserted; included by both sides.
 */
#ifndef FT_BPF_RECORD_H
#define FT_BPF_RECORD_H

#define FT_RECORD_BEGIN 1
#define FT_RECORD_END 2
/* A piece of a READDIRPLUS reply, at offset `total`, before its END. */
#define FT_RECORD_LISTING 3
/* Pieces of one reply that are captured at most; what is behind them is found by the resolver. */
#define FT_LISTING_PIECES 16

/*
 * One request or one reply. The args that follow the FUSE header come behind it, concatenated: that
 * is the wire format (linux/fuse.h). Page data are never captured.
 */
struct ft_record {
	__u64 time_ns; /* CLOCK_MONOTONIC of the reader's time namespace */
	__u64 key;     /* address of the kernel's struct fuse_req: pairs BEGIN and END */
	__u64 super;   /* address of the super block, for the resolver */
	__u64 unique;  /* 0 in BEGIN on kernels before 6.18 */
	__u64 nodeid;
	__u32 connection; /* device number, the kernel's encoding: major << 20 | minor */
	__u32 opcode;
	__u32 uid;
	__u32 gid;
	__u32 pid;   /* of the request's header: the caller's thread, 0 = the kernel itself */
	__s32 error; /* END: 0 or a negative errno */
	__u32 total; /* bytes behind the header, with page data */
	__u16 size;  /* bytes of data[] in use */
	__u8 kind;
	__u8 reserved;
	__u32 thread; /* who ran: BEGIN the caller, END the daemon's thread that replied */
	__u32 process;
};

_Static_assert(sizeof(struct ft_record) == 80, "shared with the BPF program");

/*
 * The program reserves one of two sizes. In each, an arg starts at most half way and is at most
 * half as long as data[], which is the bound that the verifier can follow.
 */
#define FT_DATA_SMALL 256
#define FT_DATA_LARGE 8192

/*
 * A row of the table of connections; a connection without a row is unknown. A row lies in the slot
 * of its connection or in one of the few behind it: the program looks at all of these, which takes
 * a tenth of the time of a map, and nothing needs to be moved when a row goes.
 */
struct ft_connection {
	__u64 lost; /* records that found the ring full */
	__u32 connection;
	__u32 state; /* FT_CONNECTION_ */
};

#define FT_CONNECTION_FREE 0
#define FT_CONNECTION_TRACED 1
#define FT_CONNECTION_EXCLUDED 2

#define FT_CONNECTION_SLOTS 4096
#define FT_CONNECTION_PROBES 4
#define FT_CONNECTION_ROWS (FT_CONNECTION_SLOTS + FT_CONNECTION_PROBES - 1)
/* Numbers without a major (all but fuseblk) are given out from the lowest: no two share a slot. */
#define FT_CONNECTION_SLOT(number) (((number) ^ (number) >> 20) % FT_CONNECTION_SLOTS)

/*
 * The resolver's answer: from the node up to the root, one entry a level, packed:
 * u64 nodeid, u16 length, length bytes of name.
 */
#define FT_CHAIN_SIZE 65536
#define FT_CHAIN_DEPTH_MAX 2100
#define FT_CHAIN_NAME_MAX 1024

/*
 * The snapshot's answer: one entry for each name of each cached inode, packed: u64 nodeid, u64
 * nodeid of its directory, u16 length, length bytes of name. The top bit of length says that the
 * name is gone.
 */
#define FT_SNAPSHOT_GONE 0x8000
#define FT_SNAPSHOT_HEAD 18

/* Context of the snapshot program, which is run again until at is 0. */
struct ft_snapshot {
	__u64 super; /* in: 0 = that of fd; out */
	__u64 at;    /* where to go on; 0: at the beginning, and out: the end */
	__s32 fd;    /* any descriptor on the mount, O_PATH too */
	__u32 inodes_max;
	__u32 size; /* out: bytes of the answer */
	__u32 reserved;
};

/* Who has a descriptor of /dev/fuse, of a connection that is not over: one entry for each. */
struct ft_holder {
	__u32 pid; /* in the PID namespace of who asks */
	__u32 connection;
};

/* Context of the resolver program. */
struct ft_resolve {
	__u64 super;
	__u64 nodeid;
	__u32 inodes_max; /* in: how many cached inodes to look at */
	__u32 found;      /* out: 1 */
	__u32 deleted;    /* out: the name exists no more */
	__u32 size;       /* out: bytes of the chain */
};

#endif
