/* SPDX-License-Identifier: MIT */
/*
 * A probe: a thread that asks a filesystem for somebody who must not hang with it. What it asks for
 * is left out of the monitor's history, counts and waits (ignored.h). A probe that is given up while
 * the filesystem has not answered is left behind, and ends by itself when it is answered or the
 * filesystem goes away; of one mount there are never more than a few of these.
 */
#ifndef FT_PROBE_H
#define FT_PROBE_H

#include "ask.h"

#define FT_PROBES_LEFT_MAX 4

struct ft_probe;

/*
 * target is copied; monitor may be NULL and must live until ft_probe_free(). -EBUSY: as many as may
 * be left behind wait for an answer already. Used by one thread. The engine lock must not be held.
 */
int ft_probe_new(const struct ft_target *target, struct fusetrace_monitor *monitor,
		 struct ft_probe **ret_probe);
/* NULL is fine. Always returns NULL. */
struct ft_probe *ft_probe_free(struct ft_probe *probe);

/* Asks a question of ask.h; the one before must have been answered. xattr is copied. */
int ft_probe_ask(struct ft_probe *probe, uint32_t question, const char *xattr);
/* Readable once there is an answer. Owned by the probe. */
int ft_probe_fd(const struct ft_probe *probe);
/* Takes the answer; false: there is none yet. */
bool ft_probe_take(struct ft_probe *probe, struct ft_answer *ret_answer);

/* The monitor goes: probes that are left behind know it no more. Without the engine lock. */
void ft_probes_forget(const struct fusetrace_monitor *monitor);
/* How many are left behind on that device (0: on any). */
size_t ft_probes_left(dev_t device);

#endif
