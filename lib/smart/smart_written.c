/* SPDX-License-Identifier: MIT */
/* The smart wait for what was written: by the operations, and without a trace by guessing. */
#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "monitor/engine.h"
#include "open_files.h"
#include "smart.h"
#include "wait/wait.h"
#include "write_state.h"

#define STILL_NS UINT64_C(50000000)
/* A descriptor is closed before its flush is sent: one look could come between. */
#define CLOSED_LOOKS 2

struct written {
	struct ft_write_state state;
	bool has_mark;
	uint32_t proof;
	unsigned int closed_looks; /* in a row */

	/* without a trace */
	struct ft_answer before;
	uint64_t still_since_ns; /* 0: nothing was seen yet */
};

/* ---- by the operations ---- */

struct busy {
	const struct ft_write_state *state;
	struct fusetrace_op *op; /* reference */
};

static int find_busy(struct fusetrace_op *op, void *data)
{
	struct busy *busy = data;

	if (!ft_write_state_awaits(busy->state, op))
		return 0;
	busy->op = fusetrace_op_ref(op);
	return 1;
}

static void set_subject(struct ft_smart *smart, struct fusetrace_op *op)
{
	fusetrace_op_unref(smart->subject);
	smart->subject = op;
}

static bool was_lost(const struct ft_smart *smart, const struct ft_monitor_view *view)
{
	const struct written *written = smart->data;

	return view->lost > smart->mark.lost || (written->state.skipped && written->has_mark);
}

/* The name may lead elsewhere by now, without an operation that this mount saw. */
static int check_name(struct ft_smart *smart, const struct ft_monitor_view *view)
{
	struct ft_answer answer;
	int r;

	if (ft_wait_verdict(view) || !smart->target.root)
		return 1;
	r = ft_smart_ask(smart, FT_ASK_STATUS, NULL, &answer);
	if (r < 0 || answer.result == 0)
		return r < 0 ? r : 1;
	if (answer.result == -ENOENT)
		ft_smart_found(smart, "there is nothing of that name");
	else
		ft_smart_found_error(smart, answer.result);
	return 0;
}

/*
 * Whether requests that were sent before the trace began have been answered: the kernel counts no
 * more than the trace knows, and nothing came or went meanwhile.
 */
static bool is_settled(struct fusetrace_monitor *monitor)
{
	uint64_t seq;
	size_t count;
	bool is_same;
	long waiting;

	ft_engine_lock();
	ft_engine_drain();
	seq = ft_history_last_seq(monitor->history);
	count = ft_tracker_in_flight(monitor->tracker, false);
	waiting = ft_wait_kernel_count(monitor);
	ft_engine_drain();
	is_same = seq == ft_history_last_seq(monitor->history) &&
		  count == ft_tracker_in_flight(monitor->tracker, false);
	ft_engine_unlock();
	return is_same && waiting >= 0 && (size_t)waiting <= count;
}

/* Nobody has written since the mark: whether anybody can still do so who began before. */
static int look_closed(struct ft_smart *smart, const struct ft_monitor_view *view)
{
	struct written *written = smart->data;
	pid_t writer = ft_open_files_writer(smart->shown);
	int r;

	if (writer || !is_settled(smart->monitor)) {
		written->closed_looks = 0;
		if (writer)
			ft_smart_found(smart, "process %d has it open for writing", (int)writer);
		else
			ft_smart_found(smart, "requests of before the trace may be in flight");
		return 0;
	}
	r = check_name(smart, view);
	if (r > 0)
		written->proof = FUSETRACE_PROOF_CLOSED;
	return r > 0 ? ++written->closed_looks >= CLOSED_LOOKS : r;
}

static int judge(struct ft_smart *smart, int arrived, const struct ft_monitor_view *view)
{
	struct written *written = smart->data;
	struct ft_write_state *state = &written->state;

	ft_write_state_describe(state, smart->found, sizeof(smart->found));
	if (arrived == -EREMOTEIO) {
		set_subject(smart, fusetrace_op_ref(state->failed));
		ft_smart_found(smart, "the data did not arrive");
	}
	if (arrived < 0)
		return arrived;
	if (arrived) {
		written->proof = state->proof;
		return was_lost(smart, view) ? -EOVERFLOW : check_name(smart, view);
	}
	if ((smart->flags & FUSETRACE_SMART_CLOSED) && !state->has_written &&
	    !state->handle_count && smart->target.root && !ft_wait_verdict(view))
		return look_closed(smart, view);
	return 0;
}

/* What is in flight comes first: what ends in between is then among the others. */
static int look_at_operations(struct ft_smart *smart, const struct ft_monitor_view *view)
{
	struct written *written = smart->data;
	struct busy busy = {.state = &written->state};
	struct ft_monitor_view now;
	int r = fusetrace_in_flight(smart->monitor, NULL, find_busy, &busy);

	if (r < 0)
		return r;
	ft_monitor_look(smart->monitor, &now);
	r = ft_write_state_look(&written->state, now.last_seq);
	smart->verdict = 0;
	set_subject(smart, NULL);
	if (r >= 0 && busy.op) {
		smart->verdict = FUSETRACE_VERDICT_IN_FLIGHT;
		ft_smart_found(smart, "a %s of it is in flight", fusetrace_op_name(busy.op));
		set_subject(smart, busy.op);
		written->closed_looks = 0;
		return 0;
	}
	fusetrace_op_unref(busy.op);
	return judge(smart, r, &now);
}

static const struct ft_smart_kind kind_written = {
	.aim = "what was written has arrived",
	.look = look_at_operations,
	.is_of_history = true,
};

/* ---- by guessing ---- */

static bool is_same(const struct ft_answer *one, const struct ft_answer *other)
{
	return one->inode == other->inode && one->size_bytes == other->size_bytes &&
	       one->changed_s == other->changed_s && one->changed_ns == other->changed_ns;
}

static int look_still(struct ft_smart *smart, const struct ft_monitor_view *view)
{
	struct written *written = smart->data;
	struct ft_answer answer;
	int r = ft_smart_ask(smart, FT_ASK_NAME, NULL, &answer);

	if (r < 0)
		return r;
	if (answer.result < 0) {
		written->still_since_ns = 0;
		if (answer.result == -ENOENT)
			ft_smart_found(smart, "there is nothing of that name");
		else
			ft_smart_found_error(smart, answer.result);
		return 0;
	}
	if (!written->still_since_ns || !is_same(&answer, &written->before)) {
		written->before = answer;
		written->still_since_ns = ft_now_ns();
	}
	ft_smart_found(smart, "size or times changed less than 50 ms ago");
	written->proof = FUSETRACE_PROOF_STILL;
	return ft_now_ns() - written->still_since_ns >= STILL_NS;
}

static const struct ft_smart_kind kind_still = {
	.aim = "it stands still (a guess: there is no trace)",
	.look = look_still,
};

/* ---- both ---- */

static int run(struct ft_smart *smart)
{
	struct written *written = smart->data;
	struct ft_monitor_view view;
	int r = 0;

	if (!smart->monitor)
		return ft_smart_run(smart);
	r = ft_write_state_init(&written->state, smart->monitor->history, smart->mark.seq,
				smart->inside);
	if (r == 0)
		r = ft_smart_run(smart);
	if (r != -ETIMEDOUT)
		return r;
	ft_monitor_look(smart->monitor, &view);
	return was_lost(smart, &view) ? -EOVERFLOW : r;
}

int fusetrace_wait_written(struct fusetrace_monitor *monitor, const struct fusetrace_mark *mark,
			   const char *path, uint32_t flags, uint64_t timeout_ns,
			   uint32_t *ret_proof, struct fusetrace_op **reterr_op,
			   struct fusetrace_report **reterr_report)
{
	struct written written = {.has_mark = mark};
	struct ft_smart smart;
	int r = monitor ? ft_monitor_enter(monitor) : 0;

	if (r < 0)
		return r;
	r = ft_smart_init(&smart, monitor, mark, path, flags, timeout_ns);
	smart.kind = monitor ? &kind_written : &kind_still;
	smart.data = &written;
	if (r == 0)
		r = run(&smart);
	if (r == 0 && ret_proof)
		*ret_proof = written.proof;
	if (r == -EREMOTEIO && reterr_op)
		*reterr_op = fusetrace_op_ref(written.state.failed);
	ft_smart_report(&smart, r, reterr_report);
	ft_write_state_done(&written.state);
	ft_smart_done(&smart);
	return r;
}

const char *fusetrace_proof_name(uint32_t proof)
{
	static const char *const names[] = {
		[FUSETRACE_PROOF_RELEASE] = "release",   [FUSETRACE_PROOF_FSYNC] = "fsync",
		[FUSETRACE_PROOF_TRUNCATE] = "truncate", [FUSETRACE_PROOF_CLOSED] = "closed",
		[FUSETRACE_PROOF_STILL] = "still",
	};

	if (proof == 0 || proof >= sizeof(names) / sizeof(names[0]))
		return "unknown";
	return names[proof];
}
