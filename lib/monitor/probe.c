/* SPDX-License-Identifier: MIT */
/* See probe.h. */
#include "probe.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/list.h"
#include "monitor/engine.h"
#include "monitor.h"

struct ft_probe {
	struct ft_target target; /* constant */
	int answer_fd;           /* constant */
	pid_t owner;             /* process; a forked child has the struct, but not the thread */

	/* protected by the engine lock */
	struct ft_list of_all;
	struct fusetrace_monitor *monitor; /* NULL: none, or it has gone */
	bool is_left;

	pthread_mutex_t lock;
	pthread_cond_t is_asked;
	/* protected by lock */
	uint32_t question; /* FT_ASK_; 0: none */
	char *xattr;       /* of the question, or NULL */
	bool is_over;      /* no more questions */
	bool has_answer;
	struct ft_answer answer;
	int users; /* who asks, and the thread */
};

/* Protected by the engine lock. */
static struct ft_list all = {&all, &all};

/* ---- both sides ---- */

static void destroy(struct ft_probe *probe)
{
	free(probe->target.root);
	free(probe->target.path);
	free(probe->xattr);
	if (probe->answer_fd >= 0)
		close(probe->answer_fd);
	pthread_mutex_destroy(&probe->lock);
	pthread_cond_destroy(&probe->is_asked);
	free(probe);
}

static void leave(struct ft_probe *probe)
{
	bool is_last;

	pthread_mutex_lock(&probe->lock);
	is_last = --probe->users == 0;
	pthread_mutex_unlock(&probe->lock);
	if (is_last)
		destroy(probe);
}

/* ---- the thread ---- */

static int ignore_thread(struct ft_probe *probe, bool is_ignored)
{
	int r = 0;

	ft_engine_lock();
	if (probe->monitor)
		r = ft_monitor_ignore(probe->monitor, gettid(), is_ignored);
	if (!is_ignored)
		ft_list_remove(&probe->of_all);
	ft_engine_unlock();
	return r;
}

/* The next question, or 0: there is none to come. */
static uint32_t await_question(struct ft_probe *probe)
{
	uint32_t question;

	pthread_mutex_lock(&probe->lock);
	while (!probe->question && !probe->is_over)
		pthread_cond_wait(&probe->is_asked, &probe->lock);
	question = probe->is_over ? 0 : probe->question;
	pthread_mutex_unlock(&probe->lock);
	return question;
}

static void give_answer(struct ft_probe *probe, const struct ft_answer *answer)
{
	pthread_mutex_lock(&probe->lock);
	probe->answer = *answer;
	probe->has_answer = true;
	probe->question = 0;
	pthread_mutex_unlock(&probe->lock);
	eventfd_write(probe->answer_fd, 1);
}

static void *serve(void *data)
{
	struct ft_probe *probe = data;
	struct ft_answer answer = {0};
	uint32_t question;

	pthread_setname_np(pthread_self(), "fusetrace-probe");
	answer.result = ignore_thread(probe, true);
	while ((question = await_question(probe))) {
		/* probe->xattr stays as it is until the question is answered. */
		if (answer.result != -ENOSPC)
			ft_ask(&probe->target, question, probe->xattr, &answer);
		give_answer(probe, &answer);
	}
	ignore_thread(probe, false);
	leave(probe);
	return NULL;
}

static int start_thread(struct ft_probe *probe)
{
	pthread_attr_t attributes;
	sigset_t every, before;
	pthread_t thread;
	int r;

	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	sigfillset(&every);
	pthread_sigmask(SIG_SETMASK, &every, &before);
	r = pthread_create(&thread, &attributes, serve, probe);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return -r;
}

/* ---- who asks ---- */

/* Lock held. */
static size_t count_left(dev_t device)
{
	size_t count = 0;

	ft_list_foreach (node, &all) {
		const struct ft_probe *probe = FT_CONTAINER(node, struct ft_probe, of_all);

		count += probe->is_left && probe->owner == getpid() &&
			 (!device || probe->target.device == device);
	}
	return count;
}

size_t ft_probes_left(dev_t device)
{
	size_t count;

	ft_engine_lock();
	count = count_left(device);
	ft_engine_unlock();
	return count;
}

/* Among all the others, if there may be one more. */
static int enter(struct ft_probe *probe)
{
	int r = 0;

	ft_engine_lock();
	if (count_left(probe->target.device) >= FT_PROBES_LEFT_MAX)
		r = -EBUSY;
	else
		ft_list_append(&all, &probe->of_all);
	ft_engine_unlock();
	return r;
}

static int start(struct ft_probe *probe)
{
	int r = enter(probe);

	if (r < 0)
		return r;
	probe->users = 2;
	r = start_thread(probe);
	if (r < 0) {
		ft_engine_lock();
		ft_list_remove(&probe->of_all);
		ft_engine_unlock();
	}
	return r;
}

int ft_probe_new(const struct ft_target *target, struct fusetrace_monitor *monitor,
		 struct ft_probe **ret_probe)
{
	struct ft_probe *probe = calloc(1, sizeof(*probe));
	int r = -ENOMEM;

	if (!probe)
		return r;
	ft_engine_handle_forks();
	ft_list_init(&probe->of_all);
	pthread_mutex_init(&probe->lock, NULL);
	pthread_cond_init(&probe->is_asked, NULL);
	probe->owner = getpid();
	probe->monitor = monitor;
	probe->target = *target;
	probe->target.root = strdup(target->root);
	probe->target.path = strdup(target->path);
	probe->answer_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (probe->answer_fd < 0)
		r = -errno;
	else if (probe->target.root && probe->target.path)
		r = start(probe);
	if (r < 0)
		destroy(probe);
	else
		*ret_probe = probe;
	return r;
}

struct ft_probe *ft_probe_free(struct ft_probe *probe)
{
	if (!probe)
		return NULL;
	ft_engine_lock();
	pthread_mutex_lock(&probe->lock);
	probe->is_over = true;
	probe->is_left = probe->question != 0;
	pthread_cond_signal(&probe->is_asked);
	pthread_mutex_unlock(&probe->lock);
	ft_engine_unlock();
	leave(probe);
	return NULL;
}

int ft_probe_ask(struct ft_probe *probe, uint32_t question, const char *xattr)
{
	char *copy = xattr ? strdup(xattr) : NULL;

	if (xattr && !copy)
		return -ENOMEM;
	pthread_mutex_lock(&probe->lock);
	FT_SWAP(probe->xattr, copy);
	probe->question = question;
	probe->has_answer = false;
	pthread_cond_signal(&probe->is_asked);
	pthread_mutex_unlock(&probe->lock);
	free(copy);
	return 0;
}

int ft_probe_fd(const struct ft_probe *probe)
{
	return probe->answer_fd;
}

bool ft_probe_take(struct ft_probe *probe, struct ft_answer *ret_answer)
{
	eventfd_t ignored;
	bool has_answer;

	pthread_mutex_lock(&probe->lock);
	has_answer = probe->has_answer;
	probe->has_answer = false;
	if (has_answer)
		*ret_answer = probe->answer;
	pthread_mutex_unlock(&probe->lock);
	if (has_answer)
		eventfd_read(probe->answer_fd, &ignored);
	return has_answer;
}

void ft_probes_forget(const struct fusetrace_monitor *monitor)
{
	ft_engine_lock();
	ft_list_foreach (node, &all) {
		struct ft_probe *probe = FT_CONTAINER(node, struct ft_probe, of_all);

		if (probe->monitor == monitor)
			probe->monitor = NULL;
	}
	ft_engine_unlock();
}
