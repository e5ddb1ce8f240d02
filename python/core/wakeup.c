/* SPDX-License-Identifier: MIT */
/*
 * Signals while a wait sleeps. Python's handlers in C only note a signal, and write to the descriptor of
 * signal.set_wakeup_fd(). A sleep that is interrupted (EINTR) tells of one, but only when the handler ran in
 * the thread that sleeps and while it slept; so for each wait of the main thread, in which alone handlers of
 * Python run, that descriptor is a pipe's, which the library polls as well. The one that was set before gets
 * what was written in the meantime, and is set again.
 */
#include <fcntl.h>
#include <unistd.h>

#include "core.h"

/* Of the main thread of the main interpreter. */
static struct {
	PyObject *set_wakeup_fd; /* signal's */
	int fds[2];
	pid_t owner; /* a child of a fork makes its own; 0: there is none yet */
} wakeup;

static bool open_pipe(void)
{
	if (wakeup.owner == getpid())
		return true;
	if (wakeup.owner) {
		close(wakeup.fds[0]);
		close(wakeup.fds[1]);
	}
	wakeup.owner = pipe2(wakeup.fds, O_CLOEXEC | O_NONBLOCK) == 0 ? getpid() : 0;
	return wakeup.owner != 0;
}

static bool find_function(void)
{
	PyObject *module;

	if (!wakeup.set_wakeup_fd) {
		module = PyImport_ImportModule("signal");
		if (module)
			wakeup.set_wakeup_fd = PyObject_GetAttrString(module, "set_wakeup_fd");
		Py_XDECREF(module);
	}
	return wakeup.set_wakeup_fd != NULL;
}

/* The former one in *ret_former; false, without an exception, when it cannot be set. */
static bool set(int fd, int *ret_former)
{
	PyObject *former = PyObject_CallFunction(wakeup.set_wakeup_fd, "i", fd);

	if (former)
		*ret_former = (int)PyLong_AsLong(former);
	else
		PyErr_Clear();
	Py_XDECREF(former);
	return former;
}

void core_wakeup_begin(struct core_wakeup *one)
{
	*one = (struct core_wakeup){.is_set = false};
	if (gettid() != getpid() || PyInterpreterState_GetID(PyInterpreterState_Get()) != 0 ||
	    !open_pipe())
		return;
	if (!find_function()) {
		PyErr_Clear();
		return;
	}
	one->is_set = set(wakeup.fds[1], &one->former_fd);
	if (one->is_set)
		one->former_polled = fusetrace_set_wakeup_fd(wakeup.fds[0]);
}

void core_wakeup_drain(const struct core_wakeup *one)
{
	char signals[64];
	ssize_t count;

	while (one->is_set && (count = read(wakeup.fds[0], signals, sizeof(signals))) > 0) {
		if (one->former_fd >= 0 && one->former_fd != wakeup.fds[1] &&
		    write(one->former_fd, signals, (size_t)count) < 0)
			continue; /* its own handler could not have written either */
	}
}

void core_wakeup_end(struct core_wakeup *one)
{
	PyObject *type, *value, *traceback;
	int found = -1;

	if (!one->is_set)
		return;
	PyErr_Fetch(&type, &value, &traceback);
	fusetrace_set_wakeup_fd(one->former_polled);
	/* Whoever has set another one in a handler or a check function keeps it. */
	if (set(one->former_fd, &found) && found != wakeup.fds[1])
		set(found, &found);
	core_wakeup_drain(one);
	one->is_set = false;
	PyErr_Restore(type, value, traceback);
}
